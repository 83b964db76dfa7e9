"""Every error that a user can meet, read from the code: its class, and the messages it is raised
with, each of which names the remedy.

Read from the syntax and not by importing: every package is covered, whatever is installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGES = ("review_core", "review_cli", "lsp_server", "github_app", "training", "model_export")
ROOT_ERROR = "ThemisError"
_FILLED = re.compile(r"\{[^}]*\}")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """A subclass of ThemisError."""

    name: str
    package: str
    says: str
    """The first paragraph of its docstring, on one line."""


@dataclass(frozen=True, slots=True)
class Message:
    """A text that an error is raised with; what is filled in at run time stands as `{name}`."""

    error: str
    package: str
    text: str


def read(root: Path) -> tuple[list[ErrorClass], list[Message]]:
    """The classes and messages of all packages, in the order of packages and then of files."""
    trees = [
        (package, ast.parse(text))
        for package in PACKAGES
        for file in sorted((root / package).rglob("*.py"))
        if "Error" in (text := file.read_text(encoding="utf-8"))
    ]
    classes = list(_classes(trees))
    names = {ROOT_ERROR, *(each.name for each in classes)}
    told = {message: None for package, tree in trees for message in _messages(package, tree, names)}
    return classes, list(told)


def page(root: Path) -> str:
    """The Markdown page: a section a package, a table of its messages."""
    classes, told = read(root)
    parts = [
        "# Messages\n",
        "Every message that an error of ours may carry, read from the code while this page was "
        "built. What stands in braces is filled in.\n",
        "| Class | Package | What it means |",
        "| --- | --- | --- |",
        *(f"| `{each.name}` | `{each.package}` | {each.says} |" for each in classes),
        "",
    ]
    for package in PACKAGES:
        here = [message for message in told if message.package == package]
        if here:
            parts += [f"## {package}\n", "| Class | Message |", "| --- | --- |"]
            parts += [f"| `{each.error}` | {_cell(each.text)} |" for each in here]
            parts.append("")
    return "\n".join(parts)


def _classes(trees: Iterable[tuple[str, ast.Module]]) -> Iterator[ErrorClass]:
    """Subclasses of ThemisError, subclasses of those after them."""
    bases: dict[str, None] = {ROOT_ERROR: None}
    waiting = [
        (package, node)
        for package, tree in trees
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    ]
    found = True
    while found:
        found = False
        for package, node in list(waiting):
            if any(isinstance(base, ast.Name) and base.id in bases for base in node.bases):
                waiting.remove((package, node))
                bases[node.name] = None
                found = True
                says = (ast.get_docstring(node) or "").partition("\n\n")[0]
                yield ErrorClass(node.name, package, " ".join(says.split()))


def _messages(package: str, tree: ast.Module, names: set[str]) -> Iterator[Message]:
    constants = _assigned(tree.body)
    functions = [node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS)]
    for scope in [tree, *functions]:
        calls = [
            node
            for node in _own(scope)
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in names
            and node.args
        ]
        known = constants | _assigned(_own(scope)) if calls else {}
        for call in calls:
            text = _text(call.args[0], known)
            if text is not None and " " in _FILLED.sub("", text).strip():
                yield Message(ast.unparse(call.func), package, text)


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, ast.expr]:
    return {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }


def _own(scope: ast.AST) -> Iterator[ast.AST]:
    """What belongs to a scope and to no function inside it."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, _FUNCTIONS):
            yield from _own(node)


def _text(node: ast.expr, known: Mapping[str, ast.expr]) -> str | None:
    """A text as it stands in the code, what is filled in by name; None if it is made elsewhere."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(_piece(value, known) for value in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text(node.left, known), _text(node.right, known)
        return f"{left or '{...}'}{right or '{...}'}"
    if isinstance(node, ast.Name) and node.id in known:
        rest = {name: value for name, value in known.items() if name != node.id}
        return _text(known[node.id], rest)
    return None


def _piece(node: ast.expr, known: Mapping[str, ast.expr]) -> str:
    """A part of an f-string; a constant of the module is what it says."""
    if not isinstance(node, ast.FormattedValue):
        return str(node.value) if isinstance(node, ast.Constant) else "{...}"
    inner = node.value
    if isinstance(inner, ast.Name) and inner.id in known:
        named = known[inner.id]
        if isinstance(named, ast.Constant) and isinstance(named.value, str):
            return named.value
    while isinstance(inner, ast.Call) and inner.args:
        inner = inner.args[-1]
    if isinstance(inner, ast.Attribute):
        return f"{{{inner.attr}}}"
    return f"{{{inner.id}}}" if isinstance(inner, ast.Name) else "{...}"


def _cell(text: str) -> str:
    shown = " ".join(text.split()).replace("|", "\\|")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"
