"""Reads and checks a model bundle: a folder with a manifest, a graph, a tokenizer and a
calibration. Runs no model.
"""

from __future__ import annotations

import hashlib
import json
import os
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Any

from tokenizers import Tokenizer

from review_core.errors import BundleError
from review_core.layout import Layout, Slot
from review_core.types import Axis, BundleIdentity

FORMAT = 1
MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"
CALIBRATION = "calibration.json"


class Pooling(StrEnum):
    """Which tokens' rewards make a sequence's: the mean over the code's, or the sequence's last."""

    MEAN = "mean"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Criterion:
    """How a criterion is asked: by an output of the graph, or by a prompt text (then the graph has
    one, index 0).
    """

    head: int = 0
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class GraphShape:
    """What a kept state looks like: two arrays a layer (key, value), each kv_heads x tokens x
    head_dim.
    """

    layers: int
    kv_heads: int
    head_dim: int


@dataclass(frozen=True, slots=True)
class Probe:
    """A code with the rewards it had at export: what a wrong graph or a broken runtime gives itself
    away by.
    """

    code: str
    rewards: Mapping[str, float]
    tolerance: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One graph file; `providers` are onnxruntime's names, those it is meant for.

    probe: what this graph scored, where a bundle holds several; None for the bundle's.
    """

    file: str
    precision: str
    providers: tuple[str, ...]
    probe: Probe | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """manifest.json, field by field. `files`: sha256 of every other file of the bundle, by relative
    POSIX name.
    """

    name: str
    base: str
    licence: str
    created_by: Mapping[str, str]
    files: Mapping[str, str]
    max_tokens: int
    layout: Layout
    pooling: Pooling
    criteria: Mapping[str, Criterion]
    axes: Mapping[Axis, tuple[str, ...]]
    languages: tuple[str, ...]
    graph: GraphShape
    variants: tuple[Variant, ...]
    probe: Probe
    metrics: Mapping[str, Any] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """:raises ValueError: if the parts do not agree with one another."""
        if self.max_tokens < 1:
            raise ValueError("max_tokens must be positive")
        if not self.criteria or not self.variants:
            raise ValueError("a bundle has at least one criterion and one variant")
        by_prompt = {criterion.prompt is not None for criterion in self.criteria.values()}
        if len(by_prompt) > 1:
            raise ValueError("criteria are asked either all by head or all by prompt")
        if (True in by_prompt) != (Slot.CRITERION in self.layout.segments):
            raise ValueError("a layout has a criterion slot exactly when criteria are prompts")
        for axis, keys in self.axes.items():
            if not keys or not set(keys) <= set(self.criteria):
                raise ValueError(f"axis {axis} must name criteria of the bundle, not {list(keys)}")
        for probe in (self.probe, *(variant.probe for variant in self.variants)):
            if probe is not None and set(probe.rewards) != set(self.criteria):
                raise ValueError("the probe must have a reward for every criterion")
        needed = {TOKENIZER, CALIBRATION, *(variant.file for variant in self.variants)}
        if missing := sorted(needed - set(self.files)):
            raise ValueError(f"files lacks {', '.join(missing)}")
        for name in self.files:
            pure = PurePosixPath(name)
            if pure.is_absolute() or ".." in pure.parts or "\\" in name:
                raise ValueError(f"file name {name!r} leads out of the bundle")

    @property
    def asks_by_prompt(self) -> bool:
        """Whether every criterion needs a sequence of its own."""
        return any(criterion.prompt is not None for criterion in self.criteria.values())

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Manifest:
        """Read format 1.

        :raises ValueError: if a field makes no sense; KeyError, TypeError or AttributeError where
            one is missing or of another type.
        """
        return cls(
            name=str(document["name"]),
            base=str(document["base"]),
            licence=str(document["licence"]),
            created_by=dict(document["created_by"]),
            files=dict(document["files"]),
            max_tokens=int(document["max_tokens"]),
            layout=Layout.from_json(document["layout"]),
            pooling=Pooling(document["pooling"]),
            criteria={key: _criterion(asked) for key, asked in document["criteria"].items()},
            axes={Axis(axis): tuple(keys) for axis, keys in document["axes"].items()},
            languages=tuple(document["languages"]),
            graph=GraphShape(**document["graph"]),
            variants=tuple(
                Variant(
                    each["file"],
                    each["precision"],
                    tuple(each["providers"]),
                    Probe(**each["probe"]) if "probe" in each else None,
                )
                for each in document["variants"]
            ),
            probe=Probe(**document["probe"]),
            metrics=dict(document.get("metrics", {})),
            parity=dict(document.get("parity", {})),
        )

    def to_json(self) -> dict[str, Any]:
        """The form `from_json` reads."""
        by_prompt = self.asks_by_prompt
        return {
            "format": FORMAT,
            "name": self.name,
            "base": self.base,
            "licence": self.licence,
            "created_by": dict(self.created_by),
            "files": dict(self.files),
            "max_tokens": self.max_tokens,
            "layout": self.layout.to_json(),
            "pooling": self.pooling.value,
            "criteria": {
                key: {"prompt": asked.prompt} if by_prompt else {"head": asked.head}
                for key, asked in self.criteria.items()
            },
            "axes": {axis.value: list(keys) for axis, keys in self.axes.items()},
            "languages": list(self.languages),
            "graph": {name: getattr(self.graph, name) for name in GraphShape.__slots__},
            "variants": [_variant_json(each) for each in self.variants],
            "probe": _probe_json(self.probe),
            "metrics": dict(self.metrics),
            "parity": dict(self.parity),
        }


@dataclass(frozen=True, slots=True)
class Description:
    """What a bundle says of itself, read without what it scores with. `calibration_json` is checked
    by its hash.
    """

    path: Path
    manifest: Manifest
    identity: BundleIdentity
    calibration_json: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle. `calibration_json` is calibration.json as it stands; calibration.py reads
    it.
    """

    path: Path
    manifest: Manifest
    identity: BundleIdentity
    tokenizer: Tokenizer
    calibration_json: Mapping[str, Any]

    @property
    def layout(self) -> Layout:
        """How a request becomes tokens."""
        return self.manifest.layout

    def scoring_sha256(self, variant: Variant) -> str:
        """The hash of what turns tokens into rewards: one of the graphs, and the pooling.

        A new calibration or card is another bundle with the same rewards, and another graph of the
        same bundle has others: caches go by this.
        """
        graph = self.manifest.files[variant.file]
        return hashlib.sha256(f"{self.manifest.pooling} {graph}".encode()).hexdigest()


def default_bundle_path() -> Path:
    """Where the bundle is when none is named: THEMIS_MODEL, else models/default of the checkout,
    else the installed one.
    """
    if named := os.environ.get("THEMIS_MODEL"):
        return Path(named)
    checkout = Path(__file__).resolve().parents[1] / "models" / "default"
    installed = Path(sysconfig.get_path("data")) / "share" / "themis" / "models" / "default"
    return installed if installed.is_dir() and not checkout.is_dir() else checkout


def load_bundle(path: Path) -> Bundle:
    """Read a bundle and check all that can be checked without running it: format, consistency,
    every file's hash.

    :raises BundleError: naming the first thing that is wrong.
    """
    about = describe_bundle(path)
    for name, expected in sorted(about.manifest.files.items()):
        _check_file(path, name, expected)
    tokenizer = _read_tokenizer(path / TOKENIZER)
    return Bundle(path, about.manifest, about.identity, tokenizer, about.calibration_json)


def describe_bundle(path: Path) -> Description:
    """What a bundle says of itself; its graphs and tokenizer are not looked at.

    Milliseconds, where `load_bundle` reads every byte: enough to know whether it is needed.

    :raises BundleError: naming the first thing that is wrong.
    """
    document, identity_hash = _read_manifest(path)
    try:
        manifest = Manifest.from_json(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise BundleError(
            f"{path / MANIFEST} is not a valid manifest ({reason}); export the bundle again"
        ) from error
    _check_file(path, CALIBRATION, manifest.files[CALIBRATION])
    try:
        calibration = json.loads((path / CALIBRATION).read_bytes())
    except ValueError as error:
        raise BundleError(
            f"{path / CALIBRATION} is not JSON ({error}); export the bundle again"
        ) from error
    return Description(path, manifest, BundleIdentity(manifest.name, identity_hash), calibration)


def file_sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing narrower
        raise BundleError(
            f"{path} is not a tokenizer ({error}); export the bundle again"
        ) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _read_manifest(path: Path) -> tuple[Mapping[str, Any], str]:
    if not path.is_dir():
        raise BundleError(
            f"no model bundle at {path}; make one with 'themis-export bundle', "
            "or name one with --model or THEMIS_MODEL"
        )
    try:
        raw = (path / MANIFEST).read_bytes()
        document = json.loads(raw)
    except FileNotFoundError as error:
        raise BundleError(
            f"{path} has no {MANIFEST}; make a bundle with 'themis-export bundle'"
        ) from error
    except (OSError, ValueError) as error:
        raise BundleError(
            f"{path / MANIFEST} cannot be read ({error}); export the bundle again"
        ) from error
    found = document.get("format") if isinstance(document, dict) else None
    if not isinstance(found, int):
        raise BundleError(f"{path / MANIFEST} states no format; export the bundle again")
    if found > FORMAT:
        raise BundleError(
            f"{path} is a bundle of a newer format ({found}; this version reads up to {FORMAT}); "
            "upgrade themis-review"
        )
    return document, hashlib.sha256(raw).hexdigest()


def _check_file(path: Path, name: str, expected: str) -> None:
    try:
        found = file_sha256(path / name)
    except OSError as error:
        raise BundleError(
            f"{path} lacks {name} ({error.strerror}); fetch or export the bundle again"
        ) from error
    if found != expected:
        raise BundleError(
            f"{path / name} is damaged (its hash is not the manifest's); "
            "fetch or export the bundle again"
        )


def _variant_json(variant: Variant) -> dict[str, Any]:
    document: dict[str, Any] = {
        "file": variant.file,
        "precision": variant.precision,
        "providers": list(variant.providers),
    }
    return document | ({"probe": _probe_json(variant.probe)} if variant.probe else {})


def _probe_json(probe: Probe) -> dict[str, Any]:
    return {name: getattr(probe, name) for name in Probe.__slots__}


def _criterion(asked: Mapping[str, Any]) -> Criterion:
    if "prompt" in asked:
        return Criterion(prompt=str(asked["prompt"]))
    head = int(asked["head"])
    if head < 0:
        raise ValueError(f"head {head} does not exist")
    return Criterion(head=head)
