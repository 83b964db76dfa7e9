"""Two tiny real models as a cascade: one that leans on everything, and a judge that decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tiny_models import recalibrated

LEANS = {
    "temperature": 1.0,
    "worse_at": 0.1,
    "better_at": 0.9,
    "isotonic": {"margins": [-1e-9, 1e-9], "preferences": [0.2, 0.8]},
}
""".2 or .8, whatever the margin: never a verdict."""

DECIDES = {"temperature": 0.01, "worse_at": 0.5, "better_at": 0.5, "isotonic": None}


@dataclass(frozen=True)
class Pair:
    """Folders of bundles with different weights."""

    model: Path
    judge: Path


@pytest.fixture(scope="session")
def cascade(tiny_bundle: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """A Qwen2 that leans only, and a Qwen3 that is never unsure."""
    folder = tmp_path_factory.mktemp("cascade")
    return Pair(
        recalibrated(tiny_bundle("qwen2"), folder / "model", LEANS),
        recalibrated(tiny_bundle("qwen3"), folder / "judge", DECIDES),
    )
