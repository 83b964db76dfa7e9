"""What comparisons of heads say, on features whose answer is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from review_core.errors import InputError
from review_core.records import PreferencePair, write_pairs
from training.ablations import Bench, ablate, criteria_table, languages_table, settings_table
from training.cli import cli
from training.specs import AblationSettings

C, R = "Functional_Correctness", "Readability_Maintainability"


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Folders as `themis-train features` writes them. Layer 2, mean: feature 0 says what is better
    in Python, feature 1 in C, feature 2 which side is longer; layer 1 and the last token are noise.
    """
    torch.set_num_threads(1)

    def make(seed: int, repositories: str, count: int = 240) -> Path:
        rng = np.random.default_rng(seed)
        states = rng.normal(0, 0.4, (count, 2, 2, 2, 4))  # pairs, sides, depths, poolings, hidden
        pairs = []
        for index in range(count):
            language, longer = ("Python", "C")[index % 2], index % 5 != 0
            tie = index >= count - 20
            chosen, rejected = ("xx", "x") if longer else ("x", "xx")
            source = f"{repositories}/{index % 6}@{index}"
            pairs.append(
                PreferencePair(
                    *("", chosen, rejected, language, (C, R)[index // 2 % 2]),
                    source=source,
                    subset="COMMITS",
                    tie=tie,
                )
            )
            if not tie:
                states[index, 0, 1, 0, index % 2] += 1.0
                states[index, 0, 1, 0, 2] += 2.0 if longer else -2.0
        folder = tmp_path_factory.mktemp(repositories)
        described = {"depths": [1, 2], "pairs": count}
        (folder / "features.json").write_text(json.dumps(described))
        np.save(folder / "shard-000000.npy", states.astype(np.float16))
        write_pairs(folder / "pairs.jsonl.zst", pairs)
        return folder

    return make


def cells(table: str, row: str) -> list[str]:
    line = next(line for line in table.splitlines() if line.startswith(f"| {row} "))
    return [cell.strip() for cell in line.strip("|").split("|")]


def value(cell: str) -> float:
    return float(cell.split(" [")[0])


SETTINGS = AblationSettings(ridges=(0.01, 0.3))


@pytest.fixture(scope="module")
def bench(features: Callable[..., Path]) -> Bench:
    return Bench([features(0, "learned")], [features(1, "held")], 5)


def test_length_control_and_the_place_of_reading_are_worth_what_the_features_say(
    bench: Bench,
) -> None:
    """Four in five chosen sides are longer, so that "longer wins" is right in .8 of 220 pairs, the
    ties left out.
    """
    table = settings_table(bench, SETTINGS)
    shipped, free = cells(table, "reference"), cells(table, "without length control")
    assert value(shipped[1]) > value(free[1]) + 0.08
    assert value(free[2]) == pytest.approx(value(free[1]) - value(shipped[1]), abs=2e-3)
    assert shipped[2] == ""
    assert shipped[4] == ".800"
    noise = [value(cells(table, name)[1]) for name in ("last token", "layer 1")]
    assert max(noise) < 0.65
    assert value(shipped[-2]) == pytest.approx(value(shipped[1]), abs=1e-3)  # all are commits
    assert 0 < value(shipped[-1]) < value(cells(table, "last token")[-1])  # noise judges edits too


def test_a_language_or_criterion_alone_is_set_beside_all_on_the_same_pairs(bench: Bench) -> None:
    languages = cells(languages_table(bench, SETTINGS), "C")
    assert languages[1:3] == ["110", "110"]
    # Fitted on C alone, nothing is known of what is better in Python: .5 there.
    assert value(languages[4]) > 0.8
    assert value(languages[6]) < value(languages[4]) - 0.1
    criteria = cells(criteria_table(bench, SETTINGS), R)
    assert criteria[1] == "110"
    assert value(criteria[4]) == pytest.approx(value(criteria[3]) - value(criteria[2]), abs=2e-3)


def test_the_command_writes_the_tables_asked_for(
    features: Callable[..., Path], tmp_path: Path
) -> None:
    """Without held-out features: in parts by repository."""
    out = tmp_path / "ablations.md"
    command = ["ablate", str(out), str(features(0, "learned", 120)), "--tables", "grid"]
    options = ["--ridges", "0.03,1", "--folds", "3"]
    result = CliRunner().invoke(cli, [*command, *options], catch_exceptions=False)
    assert result.exit_code == 0
    text = out.read_text()
    assert "| LBA | ridge 0.03 | ridge 1 |" in text
    assert value(cells(text, "layer 2")[1]) > 0.7 > value(cells(text, "layer 1")[1])
    assert "folds = 3" in (tmp_path / "ablations.toml").read_text()


def test_what_cannot_be_compared_is_refused(features: Callable[..., Path]) -> None:
    learned = features(0, "learned", 40)
    with pytest.raises(InputError, match="6 repositories cannot be cut into 7"):
        list(ablate(Bench([learned], [], 7), SETTINGS))
    with pytest.raises(InputError, match="are on both sides"):
        list(ablate(Bench([learned], [features(3, "learned", 40)], 5), SETTINGS))
    with pytest.raises(InputError, match="no table speed"):
        list(ablate(Bench([learned], [], 3), AblationSettings(tables=("speed",))))
