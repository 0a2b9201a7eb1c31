"""Which tests might find a fault."""

from __future__ import annotations

import ast
import json
import re
import sqlite3
from collections import defaultdict
from pathlib import Path

from coverage.numbits import numbits_to_nums
from faults import Fault


class TestsOf:
    """Chooses tests from what `run.py measure` measured.

    Args:
        tree: The tree whose tests were measured.
        package: The package in it.
        measured: Folder of the measurement.

    Attributes:
        seconds: What every test took.
    """

    def __init__(self, tree: Path, package: str, measured: Path) -> None:
        self.seconds: dict[str, float] = json.loads((measured / "seconds.json").read_text())
        self._ran: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
        data = sqlite3.connect(measured / ".coverage")
        files = {i: str(Path(p).relative_to(tree)) for i, p in data.execute("SELECT * FROM file")}
        tests = dict(data.execute("SELECT * FROM context"))
        for file, test, bits in data.execute("SELECT * FROM line_bits"):
            if tests[test] in self.seconds:
                for line in numbits_to_nums(bits):
                    self._ran[files[file]][line].add(tests[test])
        self._texts = {str(p.relative_to(tree)): p.read_text() for p in tree.rglob("test_*.py")}
        self._functions = [
            (str(path.relative_to(tree)), owner, function)
            for path in sorted((tree / package).rglob("*.py"))
            for owner, function in _functions(ast.parse(path.read_text()))
        ]

    def find(self, fault: Fault) -> list[str]:
        """Returns the tests that run the fault's lines, the quickest first.

        What is run when the package is imported is run by all of them: of a class those are chosen
        that run its methods or that name it, of a constant those that run what reads it.
        """
        found: set[str] = set()
        if fault.scope in ("function", "default"):
            found = self._running(fault.file, *fault.lines)
        else:
            for file, owner, function in self._functions:
                if fault.scope == "class":
                    concerned = file == fault.file and owner == fault.names[0]
                else:
                    concerned = bool(set(fault.names) & _names(function))
                if concerned:
                    last = function.end_lineno or function.lineno
                    found |= self._running(file, function.body[0].lineno, last)
            found |= self._naming(fault.names)
        return sorted(found, key=lambda test: (self.seconds[test], test))

    def _running(self, file: str, first: int, last: int) -> set[str]:
        lines = self._ran[file]
        return {test for line in range(first, last + 1) for test in lines.get(line, ())}

    def _naming(self, names: tuple[str, ...]) -> set[str]:
        pattern = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in names) or "(?!)")
        files = {file for file, text in self._texts.items() if pattern.search(text)}
        return {test for test in self.seconds if test.partition("::")[0] in files}


def _functions(tree: ast.Module) -> list[tuple[str | None, ast.FunctionDef]]:
    """Functions of a module, with the class that they are in."""
    found: list[tuple[str | None, ast.FunctionDef]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.append((None, node))
        elif isinstance(node, ast.ClassDef):
            found.extend((node.name, f) for f in ast.walk(node) if isinstance(f, ast.FunctionDef))
    return found


def _names(function: ast.FunctionDef) -> set[str]:
    nodes = list(ast.walk(function))
    read = {node.id for node in nodes if isinstance(node, ast.Name)}
    return read | {node.attr for node in nodes if isinstance(node, ast.Attribute)}
