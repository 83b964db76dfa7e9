"""Reads rows of JSON Lines and Parquet, and preference pairs out of rows of every form we know.

    ours, Themis's   input, chosen, rejected, language, aspect, and what else PreferencePair has
    TRL's            prompt, chosen, rejected: texts, or lists of messages with role and content
    TRL's, implicit  chosen and rejected that start with the same messages, or transcripts whose
                     turns start with "Human:" and "Assistant:"

A reply in Markdown whose row names no language gives the code of its longest fenced block.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from review_core.errors import InputError
from review_core.records import PreferencePair, open_text, pair_from_json
from training.criteria import CRITERIA
from training.preparation.detection import canonical_language, detected_language
from training.preparation.funnel import Drop


@dataclass(frozen=True, slots=True)
class Row:
    """One line or row of a file, 1-based; values is None where it is no object."""

    path: Path
    number: int
    values: Mapping[str, Any] | None


def rows(path: Path) -> Iterator[Row]:
    """The rows of a .parquet file, or of a file of JSON Lines, plain or zstd; blank lines are none.

    :raises InputError: if the file cannot be read as what its name says it is.
    """
    read = _parquet if path.suffix == ".parquet" else _json_lines
    yield from read(path)


def _json_lines(path: Path) -> Iterator[Row]:
    try:
        with open_text(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield Row(path, number, _object(line))
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path} is not UTF-8 text; give .jsonl, .jsonl.zst or .parquet"
        ) from error


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _parquet(path: Path) -> Iterator[Row]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise InputError(
            f"reading {path} needs pyarrow; pip install 'themis-review[train]'"
        ) from error
    try:
        with parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches(batch_size=256):
                for values in batch.to_pylist():
                    number += 1
                    yield Row(path, number, values)
    except ArrowException as error:
        raise InputError(f"{path} is not a Parquet file: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class Missing:
    """What stands in for what a row does not say. language, aspect: as in records, or None."""

    language: str | None = None
    aspect: str | None = None
    keep_unknown_languages: bool = False


def pair_of(row: Row, missing: Missing) -> PreferencePair | Drop:
    """The preference pair that a row holds, or why it holds none."""
    if row.values is None:
        return _no("no JSON object")
    values = {_NAMES.get(key, key): value for key, value in row.values.items() if value is not None}
    for side in ("chosen", "rejected"):
        if side not in values:
            return _no(f"no {side}")
    said = _said(values)
    if isinstance(said, Drop):
        return said
    said, tag = _code_of(said, fenced="language" not in values)
    language = _language(values.get("language"), said, tag, missing)
    if isinstance(language, Drop):
        return language
    aspect = _aspect(values.get("aspect") or missing.aspect, said.system)
    if isinstance(aspect, Drop):
        return aspect
    extra = {name: str(values[name]) for name in _EXTRAS if values.get(name) not in (None, "")}
    extra.setdefault("idx", f"{row.path.name}:{row.number}")
    if aspect in _FAMILIES:
        extra.setdefault("fine_aspect", aspect)
    pair = pair_from_json(
        extra
        | {
            "input": said.prompt,
            "chosen": said.chosen,
            "rejected": said.rejected,
            "system": said.system or None,
            "language": language,
            "aspect": CRITERIA.get(aspect) or aspect,
            "tie": values.get("tie") is True,
        }
    )
    return _flaw(pair) or pair


_NAMES = {
    "prompt": "input",
    "question": "input",
    "instruction": "input",
    "license": "licence",
    "id": "idx",
    "lang": "language",
    "programming_language": "language",
    "criterion": "aspect",
}
_OWN = frozenset({"input", "chosen", "rejected", "language", "aspect", "system", "tie"})
_EXTRAS = tuple(name for name in PreferencePair.__dataclass_fields__ if name not in _OWN)
_FAMILIES = frozenset(name for name, family in CRITERIA.items() if family)


def _no(reason: str) -> Drop:
    return Drop("format", reason)


_HALF_SURROGATE = re.compile("[\ud800-\udfff]")
"""JSON may hold it, UTF-8 may not."""


def _flaw(pair: PreferencePair) -> Drop | None:
    texts = (pair.input, pair.chosen, pair.rejected, pair.system or "")
    if any(map(_HALF_SURROGATE.search, texts)):
        return _no("half of a surrogate pair")
    if not pair.chosen.strip() or not pair.rejected.strip():
        return _no("an empty side")
    return _no("two equal sides") if pair.chosen == pair.rejected else None


# --- prompt and sides -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    system: str
    prompt: str
    chosen: str
    rejected: str


_Message = tuple[str, str]
"""A role and what it says."""


def _said(values: Mapping[str, Any]) -> _Said | Drop:
    chosen, rejected = values["chosen"], values["rejected"]
    sides = [_messages(side, "assistant") for side in (chosen, rejected)]
    prompt = _messages(values.get("input", ""), "user")
    system = values.get("system", "")
    if prompt is None or None in sides or not isinstance(system, str):
        return _no("neither texts nor messages of text")
    if "input" not in values and isinstance(chosen, str) and isinstance(rejected, str):
        sides = [_transcript(chosen), _transcript(rejected)]
    first, second = (side or [] for side in sides)
    common = 0
    for left, right in zip(first[:-1], second[:-1], strict=False):
        if left != right:
            break
        common += 1
    if len(first) != common + 1 or len(second) != common + 1:
        return _no("sides of several messages")
    asked = list(dict.fromkeys([*prompt, *first[:common]]))  # some rows say their prompt twice
    systems = [system, *(text for role, text in asked if role == "system")]
    return _Said(
        "\n\n".join(dict.fromkeys(filter(None, systems))),
        "\n\n".join(text for role, text in asked if role != "system" and text),
        first[-1][1],
        second[-1][1],
    )


def _messages(value: object, role: str) -> list[_Message] | None:
    """A text as one message of `role`, a list as the messages it holds; None for anything else."""
    if isinstance(value, str):
        return [(role, value)]
    if not isinstance(value, list):
        return None
    found = []
    for message in value:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            return None
        text = _content(message.get("content"))
        if text is None:
            return None
        found.append((message["role"], text))
    return found


def _content(content: object) -> str | None:
    """The text of a message; None where it holds anything but text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    parts = [part.get("text") for part in content if isinstance(part, dict)]
    texts = [part for part in parts if isinstance(part, str)]
    return "".join(texts) if len(texts) == len(content) else None


_TURN = re.compile(r"(?:^|\n\n)(Human|Assistant): ?")


def _transcript(text: str) -> list[_Message]:
    """The turns of a transcript; a text that is none is one reply."""
    if not _TURN.match(text):
        return [("assistant", text)]
    _, *parts = _TURN.split(text)
    roles = {"Human": "user", "Assistant": "assistant"}
    return [(roles[who], said) for who, said in zip(parts[::2], parts[1::2], strict=True)]


# --- code, language, aspect -----------------------------------------------------------------------

_FENCED = re.compile(
    r"^[ \t]*(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE
)


def _code_of(said: _Said, *, fenced: bool) -> tuple[_Said, str]:
    """The sides without their Markdown, and what their fences call the language, or ""."""
    (chosen, tag), (rejected, other) = (
        _unfenced(side, anywhere=fenced) for side in (said.chosen, said.rejected)
    )
    return _Said(said.system, said.prompt, chosen, rejected), tag or other


def _unfenced(reply: str, *, anywhere: bool) -> tuple[str, str]:
    blocks = list(_FENCED.finditer(reply))
    if not blocks:
        return reply, ""
    block = max(blocks, key=lambda found: len(found[3]))
    if anywhere or (len(blocks) == 1 and block[0].strip() == reply.strip()):
        return block[3], block[2]
    return reply, ""


def _language(named: object, said: _Said, tag: str, missing: Missing) -> str | Drop:
    if isinstance(named, str) and named.strip():
        known = canonical_language(named)
        if known or missing.keep_unknown_languages:
            return known or named
        return _no("an unknown language")
    if missing.language:
        return canonical_language(missing.language) or missing.language
    if found := canonical_language(tag):
        return found
    return detected_language(said.prompt, (said.chosen, said.rejected)) or _no(
        "no language, and none recognised"
    )


_ASPECTS = {name.casefold(): name for name in (*CRITERIA, "Full")} | {
    "correctness": "Functional_Correctness",
    "runtime": "Runtime_Efficiency",
    "memory": "Memory_Efficiency",
    "security": "Security_Hardness",
}


def _aspect(named: object, system: str) -> str | Drop:
    if isinstance(named, str) and named.strip():
        key = re.sub(r"\W+", "_", named.strip()).casefold()
        return _ASPECTS.get(key) or _no("an unknown aspect")
    asked = [name for name in CRITERIA if re.search(rf"\b{name}\b", system)]
    if len(asked) == 1:
        return asked[0]
    return "Full" if len(asked) >= len(CRITERIA) - 2 else _no("no aspect; --aspect gives one")
