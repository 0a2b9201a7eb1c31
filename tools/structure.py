"""Counts what the house rules want to be none, and lists it: 1 if there is any.

- files of more than 400 lines, but tables;
- circles of imports among the modules of a folder, Rust or Python;
- places that tell kinds of connections apart, outside of those that compute with them.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
MOST_LINES = 400
TABLES = {"python_tests/golden/hashes.json"}

# Forward, backward, in fixed point, as a graph, in C: one file a kind beside each match.
PATTERN_PLACES = (
    *("rust/network/pattern/", "rust/network/config.rs"),
    *("rust/engine/", "rust/learn/rule/", "rust/graph/layered.rs", "rust/export/"),
)

TESTS = re.compile(r"(tests?|strategies)\.rs$")

Edges = dict[str, set[str]]


def sources(*folders: str, ending: str) -> Iterator[Path]:
    """Yields the files of folders, those of subfolders too."""
    for folder in folders:
        yield from sorted(p for p in (ROOT / folder).rglob(f"*{ending}") if p.is_file())


def name(path: Path) -> str:
    """Returns a path from the top of the repository."""
    return path.relative_to(ROOT).as_posix()


def long_files() -> list[str]:
    """Lists files that are too long."""
    files = [*sources("rust", "benches", ending=".rs")]
    files += sources("strsbp_rs", "python_tests", "tools", "benches", "examples", ending=".py")
    lengths = {name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    too_long = {file: n for file, n in lengths.items() if n > MOST_LINES and file not in TABLES}
    return [f"{file}: {n} lines" for file, n in too_long.items()]


# Rust --------------------------------------------------------------------------------------------


def without_tests(text: str) -> str:
    """Returns the code before the tests, without comments."""
    text = re.split(r"#\[cfg\(test\)\]\s*mod \w+ \{", text)[0]
    return re.sub(r"//[^\n]*", "", text)


def flattened(tree: str) -> Iterator[list[str]]:
    """Yields the paths of a `use` tree: a::{b, c::d} has a::b and a::c::d."""
    tree = tree.strip()
    brace = tree.find("{")
    if brace < 0:
        yield [part.strip() for part in tree.split(" as ")[0].split("::")]
        return
    head = [part for part in tree[:brace].strip().split("::") if part]
    depth, part, parts = 0, "", []
    for letter in tree[brace + 1 : tree.rindex("}")]:
        depth += (letter == "{") - (letter == "}")
        if letter == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += letter
    for one in filter(str.strip, [*parts, part]):
        yield from (head + rest for rest in flattened(one))


def module_of(path: Path) -> tuple[str, ...]:
    """Returns the module that a file is."""
    parts = path.relative_to(ROOT / "rust").with_suffix("").parts
    return parts[:-1] if parts[-1] in ("mod", "lib") else parts


class Crate:
    """The modules of the crate, and what each imports."""

    def __init__(self) -> None:
        files = [p for p in sources("rust", ending=".rs") if not TESTS.search(p.name)]
        self.text = {module_of(p): without_tests(p.read_text(encoding="utf-8")) for p in files}
        # Names that a module hands on from its children.
        self.exported = {module: dict(self.hands_on(module)) for module in self.text}

    def hands_on(self, module: tuple[str, ...]) -> Iterator[tuple[str, str]]:
        """Yields names that a module has from a child, and the child."""
        for path in self.uses(module):
            path = path[1:] if path[0] == "self" else path
            if (*module, path[0]) in self.text:
                yield path[-1], path[0]

    def uses(self, module: tuple[str, ...]) -> Iterator[list[str]]:
        """Yields all paths that a module names."""
        for tree in re.findall(r"(?m)^\s*(?:pub(?:\([\w: ]+\))? )?use ([^;]+);", self.text[module]):
            yield from flattened(tree)
        in_code = re.findall(r"\b(?:crate|super)(?:::\w+)+", self.text[module])
        yield from (path.split("::") for path in in_code)

    def resolved(self, module: tuple[str, ...], path: list[str]) -> tuple[str, ...]:
        """Returns the module that a path names, or that has the item it names."""
        at: tuple[str, ...] = module
        if path[0] == "crate":
            at, path = (), path[1:]
        while path and path[0] in ("super", "self"):
            at, path = (at[:-1] if path[0] == "super" else at), path[1:]
        for part in path:
            if (*at, part) in self.text:
                at = (*at, part)
            elif part in self.exported.get(at, {}):
                at = (*at, self.exported[at][part])
            else:
                break
        return at

    def edges(self) -> dict[tuple[str, ...], Edges]:
        """Returns, by folder, which of its children import which others."""
        found: dict[tuple[str, ...], Edges] = {}
        for module in self.text:
            for path in self.uses(module):
                if path[0] not in ("crate", "super", "self"):
                    continue
                target = self.resolved(module, path)
                common = 0
                while common < min(len(module), len(target)) and module[common] == target[common]:
                    common += 1
                if common < len(module) and common < len(target):
                    folder = found.setdefault(module[:common], {})
                    folder.setdefault(module[common], set()).add(target[common])
        return found


def circles(edges: Edges) -> list[list[str]]:
    """Lists the sets of nodes that reach each other."""

    def reached(start: str) -> set[str]:
        found: set[str] = set()
        todo = [start]
        while todo:
            new = edges.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    reach = {node: reached(node) for node in edges}
    groups = {
        tuple(sorted(other for other in reach[node] if node in reach.get(other, set())))
        for node in reach
        if node in reach[node]
    }
    return [list(group) for group in sorted(groups) if len(group) > 1]


def rust_circles() -> list[str]:
    """Lists circles of imports among the modules of each folder."""
    return [
        f"rust/{'/'.join(folder)}: {', '.join(circle)}"
        for folder, edges in sorted(Crate().edges().items())
        for circle in circles(edges)
    ]


# Python ------------------------------------------------------------------------------------------


def python_imports(path: Path, modules: set[str]) -> set[str]:
    """Returns the modules of the package that a file imports, in functions too.

    Imports for type checkers are left out.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    ignored = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for part in test.body
        for node in ast.walk(part)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in ignored:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            inner = below & modules
            found |= inner if inner else {node.module}
            if inner and inner != below:
                found.add(node.module)
    return found & modules


def python_circles() -> list[str]:
    """Lists circles of imports among the modules of the package."""
    files = {}
    # The stub stands for the extension.
    for path in (*sources("strsbp_rs", ending=".py"), *sources("strsbp_rs", ending=".pyi")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    edges = {module: python_imports(path, set(files)) - {module} for module, path in files.items()}
    return [", ".join(circle) for circle in circles(edges)]


# Kinds of connections ----------------------------------------------------------------------------


def pattern_matches() -> list[str]:
    """Lists where kinds of connections are told apart that should not be."""
    kind = re.compile(r"\bPattern::[A-Z]\w+\s*\(")
    found = []
    for path in sources("rust", ending=".rs"):
        if name(path).startswith(PATTERN_PLACES) or TESTS.search(path.name):
            continue
        lines = without_tests(path.read_text(encoding="utf-8")).splitlines()
        found += [f"{name(path)}:{i}" for i, line in enumerate(lines, 1) if kind.search(line)]
    return found


COUNTS = {
    f"files of more than {MOST_LINES} lines": long_files,
    "circles of imports among Rust modules of a folder": rust_circles,
    "circles of imports among Python modules": python_circles,
    "places that tell kinds of connections apart": pattern_matches,
}


def main() -> None:
    """Prints the counts."""
    total = 0
    for what, count in COUNTS.items():
        found = count()
        total += len(found)
        print(f"{len(found):3} {what}")
        for line in found:
            print(f"      {line}")
    sys.exit(total > 0)


if __name__ == "__main__":
    main()
