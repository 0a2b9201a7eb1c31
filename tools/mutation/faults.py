"""The faults that may be put into a Python file: single changes of its text, of the usual kinds.

Left alone are docstrings, annotations, decorators, strings with spaces, formatted strings, and what
the exceptions, warnings and help texts say: the wording of messages.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

COMPARISONS = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
OPERATORS = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
SAYS = {"warn", "echo", "help", "set_xlabel", "set_ylabel", "set_title"}
"""Calls whose positional arguments are texts for people."""
WORDS = {"help", "desc", "metavar"}
"""Arguments that are."""


@dataclass(frozen=True)
class Fault:
    """A change of a file.

    Attributes:
        file: The file, relative to the tree.
        kind: What is changed.
        start: Where, in bytes.
        end: End of what is replaced.
        new: What replaces it.
        line: Its line.
        lines: First and last line whose execution runs what is changed.
        scope: "function", "default" of an argument, "class" or "module".
        names: What is defined there, unless in a function.
    """

    file: str
    kind: str
    start: int
    end: int
    new: str
    line: int
    lines: tuple[int, int]
    scope: str
    names: tuple[str, ...]

    def apply(self, source: bytes) -> bytes:
        """Returns the file's text with the fault in."""
        return source[: self.start] + self.new.encode() + source[self.end :]


def faults(tree: Path, package: str) -> Iterator[Fault]:
    """Yields all faults of a package."""
    for path in sorted((tree / package).rglob("*.py")):
        yield from _File(path, str(path.relative_to(tree))).faults()


class _File:
    def __init__(self, path: Path, name: str) -> None:
        self._name, self._source = name, path.read_bytes()
        self._starts = [0]
        for line in self._source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._found: list[Fault] = []
        # Where the walk is: see Fault.
        self._scope, self._lines = "module", (1, 1)
        self._names: tuple[str, ...] = ()

    def faults(self) -> list[Fault]:
        self._statements(ast.parse(self._source).body)
        return self._found

    def _span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        last, column = node.end_lineno or node.lineno, node.end_col_offset or 0
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[last - 1] + column

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self._source[start:end].decode()

    def _add(self, kind: str, span: tuple[int, int], new: str, line: int) -> None:
        if self._source[slice(*span)].decode() != new:
            where = self._lines, self._scope, self._names
            self._found.append(Fault(self._name, kind, *span, new, line, *where))

    def _replace(self, kind: str, node: ast.expr | ast.stmt, new: str) -> None:
        self._add(kind, self._span(node), new, node.lineno)

    def _between(self, kind: str, left: ast.expr, right: ast.expr, old: str, new: str) -> None:
        start, end = self._span(left)[1], self._span(right)[0]
        at = self._source[start:end].find(old.encode())
        if at >= 0 and b"#" not in self._source[start:end]:
            self._add(kind, (start + at, start + at + len(old)), new, left.lineno)

    def _negate(self, test: ast.expr) -> None:
        self._replace("condition negated", test, f"not ({self._text(test)})")

    def _statements(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            kept = self._scope, self._names, self._lines
            match statement:
                case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom():
                    continue
                case ast.FunctionDef():
                    self._function(statement)
                case ast.ClassDef():
                    self._scope, self._names = "class", (statement.name,)
                    self._statements(statement.body)
                case _:
                    self._simple(statement)
            self._scope, self._names, self._lines = kept

    def _function(self, function: ast.FunctionDef) -> None:
        if any("overload" in self._text(d) for d in function.decorator_list):
            return
        if self._scope != "function":
            self._scope, self._names = "default", (function.name,)
        self._lines = function.body[0].lineno, function.end_lineno or 0
        for default in [*function.args.defaults, *filter(None, function.args.kw_defaults)]:
            self._expression(default)
        self._scope = "function"
        self._statements(function.body)

    def _simple(self, statement: ast.stmt) -> None:
        """Faults of a statement that defines nothing, and of those in it."""
        last = statement.end_lineno or statement.lineno
        inner = getattr(statement, "body", None)
        if inner:
            last = max(statement.lineno, inner[0].lineno - 1)
        self._lines = statement.lineno, last
        if self._scope == "module":
            self._names = _targets(statement)
            if self._names == ("__all__",):
                return
        match statement:
            case ast.If(test=test) | ast.While(test=test):
                if "TYPE_CHECKING" in self._text(test):
                    return
                self._negate(test)
            case ast.Return(value=value) if value is not None:
                self._replace("return None", value, "None")
            case ast.Raise():
                self._replace("statement removed", statement, "pass")
                return
            case ast.Break():
                self._replace("break to continue", statement, "continue")
            case ast.Continue():
                self._replace("continue to break", statement, "break")
            case ast.Delete() | ast.Expr():
                self._replace("statement removed", statement, "pass")
            case ast.AugAssign(target=target, op=op, value=value):
                self._replace("statement removed", statement, "pass")
                if type(op) in OPERATORS:
                    old, new = OPERATORS[type(op)]
                    self._between("operator", target, value, f"{old}=", f"{new}=")
                    self._between("operator", target, value, f"{old}=", "=")
            case ast.Assign(targets=targets):
                if all(isinstance(t, (ast.Attribute, ast.Subscript)) for t in targets):
                    self._replace("statement removed", statement, "pass")
        for name, child in ast.iter_fields(statement):
            if name == "annotation":
                continue
            for node in child if isinstance(child, list) else [child]:
                self._part(node)

    def _part(self, node: object) -> None:
        match node:
            case ast.expr():
                self._expression(node)
            case ast.stmt():
                self._statements([node])
            case ast.ExceptHandler(body=body):
                self._statements(body)
            case ast.withitem(context_expr=expression):
                self._expression(expression)
            case ast.match_case(guard=guard, body=body):
                self._part(guard)
                self._statements(body)

    def _expression(self, node: ast.expr) -> None:
        match node:
            case ast.JoinedStr():
                return
            case ast.Constant(value=value):
                self._constant(node, value)
            case ast.Compare(left=left, ops=ops, comparators=rights):
                for op, right in zip(ops, rights, strict=True):
                    self._between("comparison", left, right, *COMPARISONS[type(op)])
                    left = right
            case ast.BoolOp(op=op, values=values):
                words = ("and", "or") if isinstance(op, ast.And) else ("or", "and")
                for left, right in pairwise(values):
                    self._between("and, or", left, right, *words)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                self._replace("not removed", node, f"bool({self._text(operand)})")
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                self._replace("operator", node, self._text(operand))
            case ast.BinOp(left=left, op=op, right=right):
                # A | B of types is no sum.
                types = isinstance(op, ast.BitOr) and self._scope == "module"
                if type(op) in OPERATORS and not (types or _is_text(left) or _is_text(right)):
                    self._between("operator", left, right, *OPERATORS[type(op)])
            case ast.IfExp(test=test):
                self._negate(test)
            case ast.Call():
                self._call(node)
                return
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self._expression(child)
            elif isinstance(child, ast.comprehension):
                self._expression(child.iter)
                for test in child.ifs:
                    self._negate(test)
                    self._expression(test)

    def _constant(self, node: ast.Constant, value: object) -> None:
        match value:
            case bool():
                self._replace("constant", node, str(not value))
            case int():
                self._replace("constant", node, str(value + 1))
            case float():
                self._replace("constant", node, repr(value * 2) if value else "1.0")
            case str() if value and not {" ", "\n", '"', "\\"} & set(value):
                self._replace("string", node, f'"XX{value}XX"')

    def _call(self, call: ast.Call) -> None:
        name = getattr(call.func, "attr", None) or getattr(call.func, "id", "")
        if not (name in SAYS or name.endswith(("Error", "Warning"))):
            self._expression(call.func)
            for argument in call.args:
                self._expression(argument)
        for keyword in call.keywords:
            if keyword.arg is None or keyword.arg in WORDS:
                continue
            start, end = self._span(keyword)
            rest = self._source[end:]
            after = len(rest) - len(rest.lstrip())
            comma = rest[after : after + 1] == b","
            where = start, end + (after + 1 if comma else 0)
            self._add("argument left out", where, "", keyword.lineno)
            self._expression(keyword.value)


def _targets(statement: ast.stmt) -> tuple[str, ...]:
    targets = getattr(statement, "targets", None) or [getattr(statement, "target", None)]
    nodes = [node for target in targets if target is not None for node in ast.walk(target)]
    return tuple(node.id for node in nodes if isinstance(node, ast.Name))


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    return isinstance(node, ast.JoinedStr)
