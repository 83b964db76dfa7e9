"""What is checked before a bundle is believed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from review_core.bundle import (
    Manifest,
    Pooling,
    default_bundle_path,
    file_sha256,
    load_bundle,
)
from review_core.errors import BundleError
from review_core.types import Axis


@pytest.fixture
def bundle_copy(tiny_bundle: Callable[..., Path], tmp_path: Path) -> Path:
    """A bundle to spoil."""
    return Path(shutil.copytree(tiny_bundle(), tmp_path / "bundle"))


def spoil(path: Path, **fields: Any) -> None:
    manifest = json.loads((path / "manifest.json").read_text())
    (path / "manifest.json").write_text(json.dumps(manifest | fields))


def test_a_sound_bundle_loads_with_all_its_parts(tiny_bundle: Callable[..., Path]) -> None:
    bundle = load_bundle(tiny_bundle())
    assert bundle.identity.name == "tiny-qwen2"
    assert len(bundle.identity.sha256) == 64
    assert bundle.manifest.pooling is Pooling.MEAN
    assert bundle.manifest.axes[Axis.SECURITY] == ("Security_Hardness",)
    assert bundle.calibration_json["format"] == 1
    sequence = bundle.layout.render(bundle.tokenizer, "x = 1")
    start, end = sequence.code
    assert (start, end) == (1, len(sequence.ids) - 1)


def test_a_manifest_survives_writing_and_reading(tiny_bundle: Callable[..., Path]) -> None:
    document = json.loads((tiny_bundle() / "manifest.json").read_text())
    assert Manifest.from_json(document).to_json() == document


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "calibration.json"])
def test_one_flipped_byte_names_the_file(bundle_copy: Path, name: str) -> None:
    content = bytearray((bundle_copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (bundle_copy / name).write_bytes(content)
    with pytest.raises(BundleError, match=f"{name} is damaged"):
        load_bundle(bundle_copy)


def test_any_change_of_the_manifest_changes_the_identity(bundle_copy: Path) -> None:
    before = load_bundle(bundle_copy).identity
    spoil(bundle_copy, metrics={"accuracy": 1.0})
    assert load_bundle(bundle_copy).identity.sha256 != before.sha256


def test_a_missing_file_is_named(bundle_copy: Path) -> None:
    (bundle_copy / "model.onnx").unlink()
    with pytest.raises(BundleError, match=r"lacks model\.onnx .*export the bundle again"):
        load_bundle(bundle_copy)


def test_a_bundle_of_a_newer_format_asks_for_an_upgrade(bundle_copy: Path) -> None:
    (bundle_copy / "manifest.json").write_text('{"format": 2, "unheard": "of"}')
    with pytest.raises(BundleError, match=r"newer format \(2; .* up to 1\); upgrade themis-review"):
        load_bundle(bundle_copy)


def test_what_is_not_a_bundle_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"no model bundle at .*themis-export bundle"):
        load_bundle(tmp_path / "nowhere")
    with pytest.raises(BundleError, match=r"has no manifest\.json; make"):
        load_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text("{")
    with pytest.raises(BundleError, match="cannot be read"):
        load_bundle(tmp_path)
    (tmp_path / "manifest.json").write_text("[]")
    with pytest.raises(BundleError, match="states no format"):
        load_bundle(tmp_path)


PROMPT = {"Readability": {"prompt": "Is it clear?"}}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": None, "graph": None}, "not a valid manifest"),
        ({"graph": {"layers": 2}}, "not a valid manifest"),
        ({"max_tokens": 0}, "max_tokens must be positive"),
        ({"criteria": {}}, "at least one criterion"),
        ({"criteria": {"Readability": {}}}, "it lacks 'head'"),
        ({"criteria": {"Readability": {"head": -1}}}, "head -1 does not exist"),
        ({"criteria": PROMPT}, "a criterion slot exactly when"),
        ({"criteria": PROMPT | {"Security_Hardness": {"head": 0}}}, "all by head or all by prompt"),
        ({"axes": {"security": ["Safety"]}}, "must name criteria of the bundle"),
        ({"axes": {"beauty": ["Readability"]}}, "'beauty' is not a valid Axis"),
        ({"layout": ["no slot"]}, "exactly one code slot"),
        ({"pooling": "max"}, "'max' is not a valid Pooling"),
        ({"files": {"model.onnx": "0"}}, r"files lacks calibration\.json, tokenizer\.json"),
        ({"probe": {"code": "x", "rewards": {}, "tolerance": 1}}, "a reward for every criterion"),
    ],
)
def test_a_manifest_whose_parts_do_not_agree_is_refused(
    bundle_copy: Path, fields: dict[str, Any], message: str
) -> None:
    spoil(bundle_copy, **fields)
    with pytest.raises(BundleError, match=message):
        load_bundle(bundle_copy)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..\\secret"])
def test_a_manifest_cannot_reach_out_of_its_folder(bundle_copy: Path, name: str) -> None:
    files = json.loads((bundle_copy / "manifest.json").read_text())["files"]
    spoil(bundle_copy, files=files | {name: "0" * 64})
    with pytest.raises(BundleError, match="leads out of the bundle"):
        load_bundle(bundle_copy)


def test_a_tokenizer_that_is_none_is_named(bundle_copy: Path) -> None:
    (bundle_copy / "tokenizer.json").write_text("{}")
    files = json.loads((bundle_copy / "manifest.json").read_text())["files"]
    spoil(
        bundle_copy, files=files | {"tokenizer.json": file_sha256(bundle_copy / "tokenizer.json")}
    )
    with pytest.raises(BundleError, match=r"tokenizer\.json is not a tokenizer"):
        load_bundle(bundle_copy)


def test_the_environment_names_the_default_bundle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("THEMIS_MODEL", str(tmp_path))
    assert default_bundle_path() == tmp_path
    monkeypatch.delenv("THEMIS_MODEL")
    assert default_bundle_path().parts[-2:] == ("models", "default")
