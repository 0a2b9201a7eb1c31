"""Tables for notebooks."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

__all__ = ["html_table", "significant"]


def html_table(
    header: Sequence[str], rows: Sequence[Sequence[Any]], caption: str = "", tail: str = ""
) -> str:
    """Returns a table: words to the left, numbers to the right.

    Args:
        header: Names of the columns; none if empty.
        rows: Cells, as text or numbers.
        caption: A line above it.
        tail: A line below it.
    """
    head = "".join(f'<th style="text-align:right">{escape(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return (
        (f"<div>{escape(caption)}</div>" if caption else "")
        + "<table>"
        + (f"<thead><tr>{head}</tr></thead>" if header else "")
        + f"<tbody>{body}</tbody></table>"
        + (f"<div>{escape(tail)}</div>" if tail else "")
    )


def significant(value: Any) -> str:
    """Returns a value of a record in few characters."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(significant(item) for item in value)
    return str(value)


def _cell(value: Any) -> str:
    text = significant(value)
    side = "left" if isinstance(value, str) and not text[:1].isdigit() else "right"
    return f'<td style="text-align:{side}">{escape(text)}</td>'
