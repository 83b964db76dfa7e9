"""`themis model`: what a bundle says of itself, and whether it is what it says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from review_core.bundle import Bundle
    from review_core.calibration import Calibration
    from review_core.config import Settings

_BUNDLE = click.argument("bundle", type=click.Path(path_type=Path), required=False)


@click.group()
def model() -> None:
    """Show or check a model bundle; without BUNDLE the configured one."""


@model.command()
@_BUNDLE
def info(bundle: Path | None) -> None:
    """Print what a bundle says of itself, and when it speaks."""
    from review_cli.output import write_out
    from review_core.bundle import load_bundle
    from review_core.calibration import Calibration
    from review_core.loading import bundle_path

    loaded = load_bundle(bundle_path(_settings(bundle)))
    calibration = Calibration.from_json(loaded.calibration_json)
    write_out("\n".join(_described(loaded, calibration)) + "\n")


@model.command()
@_BUNDLE
def verify(bundle: Path | None) -> None:
    """Check a bundle: hashes, graph, calibration, and the rewards recorded at export."""
    from review_cli.output import write_out
    from review_core.loading import load_scorer

    settings = _settings(bundle, cached=False)
    scorer, calibration = load_scorer(settings)
    for criterion in scorer.criteria:
        calibration.preference(criterion, 0.0)
    scorer.verify()
    identity = scorer.bundle.identity
    write_out(f"{scorer.bundle.path}: {identity.name} {identity.sha256} is as it was exported\n")


def _settings(bundle: Path | None, *, cached: bool = True) -> Settings:
    from review_cli.options import overrides
    from review_core.config import load_settings

    given = overrides(Path(), model=bundle, threads=None, cache=cached)
    return load_settings(Path(), given, os.environ).settings


def _described(bundle: Bundle, calibration: Calibration) -> Iterator[str]:
    from review_core.findings import criterion_words, percent

    manifest = bundle.manifest
    size = sum((bundle.path / name).stat().st_size for name in manifest.files)
    for key, value in (
        ("name", manifest.name),
        ("sha256", bundle.identity.sha256),
        ("folder", str(bundle.path)),
        ("size", f"{size / 1e6:.1f} MB"),
        ("base", manifest.base),
        ("licence", manifest.licence),
        ("created by", " ".join(manifest.created_by.values())),
        ("precision", ", ".join(variant.precision for variant in manifest.variants)),
        ("reads", f"up to {manifest.max_tokens} tokens; {', '.join(manifest.languages)}"),
    ):
        yield f"{key:<12}{value}"
    yield ""
    yield "says worse from P(worse), and better from P(better)"
    for axis, criteria in manifest.axes.items():
        for criterion in criteria:
            said = calibration.of(criterion)
            worse = "never" if said.worse_at is None else percent(1 - said.worse_at)
            better = "never" if said.better_at is None else percent(said.better_at)
            yield f"  {axis:<17}{worse:>6}  {better:>6}  {criterion_words(criterion)}"
