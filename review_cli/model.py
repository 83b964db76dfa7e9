"""`themis model`: what a bundle says of itself, and whether it is what it says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
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
    """Print what a bundle says of itself, and when it speaks. Of the configured judge, too."""
    from review_cli.output import write_out
    from review_core.bundle import load_bundle
    from review_core.calibration import Calibration
    from review_core.loading import bundle_path, load_judge

    settings = _settings(bundle)
    loaded = load_bundle(bundle_path(settings))
    calibration = Calibration.from_json(loaded.calibration_json)
    lines = list(_described(loaded, calibration))
    judge = None if bundle else load_judge(settings, loaded, calibration)
    if judge is not None and settings.judge.model is not None:
        lines += ["", "the judge, asked where the model leans and is unsure", ""]
        lines += _described(load_bundle(settings.judge.model), judge.calibration)
    write_out("\n".join(lines) + "\n")


@model.command()
@_BUNDLE
def verify(bundle: Path | None) -> None:
    """Check a bundle: hashes, graph, calibration, and the rewards recorded at export.

    Without BUNDLE the configured judge is checked, too, and whether the two go together.
    """
    from review_core.loading import load_judge

    settings = _settings(bundle, cached=False)
    model, calibration = _verified(settings)
    if bundle is None and load_judge(settings, model, calibration) is not None:
        _verified(replace(settings, model=settings.judge.model))


def _verified(settings: Settings) -> tuple[Bundle, Calibration]:
    from review_cli.output import write_out
    from review_core.loading import load_scorer

    scorer, calibration = load_scorer(settings)
    for criterion in scorer.criteria:
        calibration.preference(criterion, 0.0)
    scorer.verify()
    identity = scorer.bundle.identity
    write_out(f"{scorer.bundle.path}: {identity.name} {identity.sha256} is as it was exported\n")
    return scorer.bundle, calibration


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
