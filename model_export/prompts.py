"""Reads the criterion prompts of published Themis-RM models out of their authors' code.

The prompts belong to the models and are not ours to ship. Scripts are parsed and never run: only
constants, and what a few harmless expressions make of constants, are understood.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from review_core.errors import InputError

KEYS = (
    "Functional_Correctness",
    "Runtime_Efficiency",
    "Memory_Efficiency",
    "Security_Hardness",
    "Readability_Maintainability",
)
"""The criteria that Themis-RM models are asked one by one (arXiv 2605.00754)."""

_FORMAT = 1
_SHORTEST = 80
"""Characters; what is shorter is a label or a file name and no prompt."""
_MAX_BYTES = 1 << 20
"""Of a script; larger ones hold data."""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The prompt of each criterion, and the file they were read from (relative to the checkout)."""

    texts: Mapping[str, str]
    source: str

    @property
    def sha256(self) -> str:
        """Of keys and texts, in the order of the keys."""
        told = json.dumps([[key, self.texts[key]] for key in KEYS], ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()

    def write(self, file: Path) -> None:
        """Write them as JSON."""
        document = {
            "format": _FORMAT,
            "source": self.source,
            "sha256": self.sha256,
            "criteria": dict(self.texts),
        }
        try:
            file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        except OSError as error:
            raise InputError(f"cannot write {file}: {error.strerror}") from error

    @classmethod
    def read(cls, file: Path) -> Prompts:
        """Read what `write` wrote.

        :raises InputError: if it cannot be read, lacks a criterion, or was changed since.
        """
        try:
            document = json.loads(file.read_bytes())
            prompts = cls(
                {key: str(document["criteria"][key]) for key in KEYS}, str(document["source"])
            )
            told = document["sha256"]
        except OSError as error:
            raise InputError(f"cannot read {file}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{file} is no file of prompts ({error}); make one with: "
                f"themis-export prompts {file.name} --from CHECKOUT"
            ) from error
        if told != prompts.sha256:
            raise InputError(
                f"{file} was changed since it was made, and other words get other rewards; "
                "make it again with themis-export prompts"
            )
        return prompts


def find_prompts(checkout: Path) -> Prompts:
    """The prompts in the scripts of a checkout, or in one script.

    :raises InputError: where there are none, or scripts disagree.
    """
    if not checkout.exists():
        raise InputError(f"{checkout} does not exist; give a checkout of the authors' repository")
    scripts = [checkout] if checkout.is_file() else sorted(_scripts(checkout))
    root = checkout.parent if checkout.is_file() else checkout
    found: dict[str, Prompts] = {}
    best: tuple[int, str, list[str]] | None = None
    for script in scripts:
        name = script.relative_to(root).as_posix()
        texts = _prompts_in(script, name)
        missing = [key for key in KEYS if key not in texts]
        if not missing:
            prompts = Prompts({key: texts[key] for key in KEYS}, name)
            found.setdefault(prompts.sha256, prompts)
        elif texts and (best is None or len(missing) < best[0]):
            best = len(missing), name, missing
    if len(found) > 1:
        first, second = sorted(each.source for each in found.values())[:2]
        raise InputError(
            f"{first} and {second} hold different prompts; name the script that the model was "
            f"evaluated with: --from {checkout / first}"
        )
    if not found:
        nearest = f"; {best[1]} comes nearest and lacks {', '.join(best[2])}" if best else ""
        raise InputError(
            f"no Python file below {checkout} holds the prompts of {', '.join(KEYS)} as constants"
            f"{nearest}; give a checkout of the repository that evaluates Themis-RM"
        )
    return next(iter(found.values()))


def _scripts(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*.py"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and path.stat().st_size <= _MAX_BYTES:
            yield path


def _prompts_in(script: Path, name: str) -> dict[str, str]:
    try:
        tree = ast.parse(script.read_bytes(), filename=name)
    except (SyntaxError, ValueError, RecursionError):
        return {}  # of another Python, or no Python: then it is not the one
    constants = _Constants(tree)
    found: dict[str, str] = {}
    for label, value in _labelled(tree):
        key = _key(label)
        text = constants.text(value) if key else None
        if key is None or text is None or len(text) < _SHORTEST:
            continue
        if found.setdefault(key, text) != text:
            raise InputError(
                f"{name} holds two prompts for {key}; keep the one the model was evaluated with "
                "in a file of its own and give that with --from"
            )
    return found


def _labelled(tree: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Expressions with what they are called: by a variable, a dictionary's key, an argument."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((_name(target), value) for target in targets)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield _name(target), value
            case ast.Dict(keys=keys, values=values):
                named = zip(keys, values, strict=True)
                yield from ((_name(key), value) for key, value in named if key is not None)
            case ast.keyword(arg=str(label), value=value):
                yield label, value


def _name(node: ast.expr) -> str:
    """`x` of x, y.x, y["x"] and "x"."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Constant(value=str(text)):
            return text
        case ast.Subscript(slice=inner):
            return _name(inner)
    return ""


def _key(label: str) -> str | None:
    """The criterion that a label names, whatever stands around it."""
    flat = _flat(label)
    return next((key for key in KEYS if _flat(key) in flat), None)


def _flat(label: str) -> str:
    return re.sub(r"[^a-z]", "", label.lower())


class _Constants:
    """What a script's expressions are worth, where that takes constants only."""

    def __init__(self, tree: ast.Module) -> None:
        self._values: dict[str, ast.expr] = {}
        for node in tree.body:
            if isinstance(node, ast.Assign) and len(node.targets) == 1:
                self._values[_name(node.targets[0])] = node.value
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._values[_name(node.target)] = node.value

    def text(self, node: ast.expr, depth: int = 0) -> str | None:
        """The text an expression stands for; None if that takes more than constants."""
        if depth > _DEEPEST:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.Name(id=name) if name in self._values:
                return self.text(self._values[name], depth + 1)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], "", depth)
            case ast.JoinedStr(values=parts):
                return self._joined(parts, "", depth)
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.text(value, depth + 1)
            case ast.Call(func=func, args=args, keywords=[]):
                return self._called(func, args, depth)
        return None

    def _called(self, func: ast.expr, args: list[ast.expr], depth: int) -> str | None:
        match func, args:
            case ast.Attribute(value=value, attr="strip" | "lstrip" | "rstrip" as how), []:
                text = self.text(value, depth + 1)
                return None if text is None else str(getattr(text, how)())
            case ast.Attribute(value=value, attr="join"), [
                ast.List(elts=parts) | ast.Tuple(elts=parts)
            ]:
                between = self.text(value, depth + 1)
                return None if between is None else self._joined(parts, between, depth)
            case ast.Attribute(attr=name) | ast.Name(id=name), [value] if name in _CLEANERS:
                text = self.text(value, depth + 1)
                return None if text is None else _CLEANERS[name](text)
        return None

    def _joined(self, parts: list[ast.expr], between: str, depth: int) -> str | None:
        texts = [self.text(part, depth + 1) for part in parts]
        known = [text for text in texts if text is not None]
        return between.join(known) if len(known) == len(texts) else None


_CLEANERS = {"dedent": textwrap.dedent, "cleandoc": inspect.cleandoc}
_DEEPEST = 50
"""Names that stand for names; a script that goes deeper goes in circles."""
