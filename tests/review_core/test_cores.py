"""As many threads as the process is allowed cores, in containers too."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from review_core.cores import usable_cores

WHOLE = usable_cores(Path("/nonexistent"))


@pytest.mark.parametrize(
    ("told", "cores"),
    [
        ("max 100000\n", WHOLE),
        ("100000 100000\n", 1),
        ("50000 100000\n", 1),
        ("1000 100000\n", 1),
        ("6400000 100000\n", WHOLE),
        ("nonsense\n", WHOLE),
        ("", WHOLE),
        ("100000 0\n", WHOLE),
    ],
)
def test_a_container_is_granted_what_its_control_group_says(
    tmp_path: Path, told: str, cores: int
) -> None:
    (tmp_path / "cpu.max").write_text(told)
    assert usable_cores(tmp_path) == cores


@pytest.mark.parametrize(("quota", "cores"), [("-1", WHOLE), ("20000", 1)])
def test_the_older_form_is_understood(tmp_path: Path, quota: str, cores: int) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text(f"{quota}\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert usable_cores(tmp_path) == cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux binds processes")
def test_a_process_bound_to_one_core_uses_one() -> None:
    code = (
        "import os; from review_core.cores import usable_cores\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); print(usable_cores())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "1"


def test_two_cores_worth_of_time_is_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review_core.cores._allowed", lambda: 8)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    (tmp_path / "cpu.max").write_text("150000 100000\n")
    assert usable_cores(tmp_path) == 2
