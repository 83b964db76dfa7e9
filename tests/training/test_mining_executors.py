"""Mining on this machine, on Ray and on Slurm, and after it was killed: always the same pairs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from review_core.errors import InputError
from review_core.records import read_pairs
from training.commands.mine import mine as command
from training.mining.run import mine
from training.mining.settings import MineSettings

if TYPE_CHECKING:
    from tests.conftest import GitRepository

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="datatrove and Ray need POSIX")

CODE = "def total(values):\n    return sum(values) / {}\n"


@pytest.fixture
def clones(repository: GitRepository, tmp_path: Path) -> Path:
    """A folder of six clones, one of them to evaluate on."""
    folder = tmp_path / "clones"
    folder.mkdir()
    licence = (
        "Permission is hereby granted, free of charge, to any person obtaining a copy of this "
        "software ... the above copyright notice and this permission notice"
    )
    for number in range(6):
        clone = repository.another(folder / (f"ada+p{number}" if number else "axios+axios"))
        clone.write("LICENSE", licence)
        clone.commit("start", a=CODE.format("len(values)"))
        for step in range(4):
            clone.commit(f"Fix crash {step} of lists", a=CODE.format(f"max({step + number}, 1)"))
    return folder


def results(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in ("pairs.jsonl.zst", "stats.json")}


ONE = MineSettings(workers=1)


def test_the_command_writes_pairs_that_add_up_and_what_made_them(
    clones: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(command, [str(out), str(clones), "--workers", "1"])
    assert result.exit_code == 0, result.output
    assert "20 pairs of 25 commits" in result.output
    told = json.loads((out / "stats.json").read_bytes())
    assert told["repositories"] == {"mined": 5, "for evaluation only": 1}
    assert told["commits"] == told["with_pairs"] + sum(told["dropped"].values()) == 25
    assert told["pairs"] == sum(told["criteria"].values()) == sum(told["licences"].values())
    assert len(list(read_pairs(out / "pairs.jsonl.zst"))) == told["pairs"]
    again = CliRunner().invoke(
        command, [str(tmp_path / "again"), str(clones), "--config", str(out / "mine.toml")]
    )
    assert again.exit_code == 0, again.output
    assert results(tmp_path / "again") == results(out)


def test_several_workers_find_what_one_finds(clones: Path, tmp_path: Path) -> None:
    mine(tmp_path / "one", [clones], ONE)
    mine(tmp_path / "two", [clones], MineSettings(workers=2, tasks=3))
    assert results(tmp_path / "two") == results(tmp_path / "one")


def test_a_killed_run_goes_on_to_the_same_end(clones: Path, tmp_path: Path) -> None:
    mine(tmp_path / "whole", [clones], ONE)
    out = tmp_path / "killed"
    arguments = [str(out), str(clones), "--workers", "1", "--tasks", "1"]
    run = [sys.executable, "-c", "from training.cli import main; main()", "mine", *arguments]
    process = subprocess.Popen(run, start_new_session=True, stderr=subprocess.DEVNULL)
    parts = out / "parts"
    while process.poll() is None and len(list(parts.glob("*.json"))) < 2:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in parts.glob("*.json")}
    assert 2 <= len(before) < 6, "killed in the middle"
    assert not (out / "pairs.jsonl.zst").exists()
    mine(out, [clones], ONE)
    assert results(out) == results(tmp_path / "whole")
    assert {path: path.stat().st_mtime_ns for path in before} == before, "not read again"


def test_mining_reaches_for_no_network(clones: Path, tmp_path: Path) -> None:
    """datatrove brings libraries that could; every address that is connected to is looked at."""
    watch = (
        "import sys\n"
        "def hook(event, arguments):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'):\n"
        "        print('ADDRESS', repr(arguments[-1 if event == 'socket.connect' else 0]))\n"
        "sys.addaudithook(hook)\n"
        "from training.cli import main; main()\n"
    )
    run = [sys.executable, "-c", watch, "mine", str(tmp_path / "out"), str(clones)]
    done = subprocess.run([*run, "--workers", "1"], capture_output=True, text=True, check=True)
    addresses = [line for line in done.stdout.splitlines() if line.startswith("ADDRESS")]
    assert addresses, "the executor talks to its own manager, so that the hook is seen to work"
    assert all("/pymp-" in address for address in addresses), addresses


@pytest.mark.timeout(600)  # seven processes start: long where others are at work
def test_ray_finds_what_this_machine_finds(
    clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_worker_niceness", "0")  # 15 would starve where others are at work
    mine(tmp_path / "local", [clones], ONE)
    run = "from training.cli import main; main()"
    arguments = ["mine", str(tmp_path / "ray"), str(clones), "--executor", "ray", "--tasks", "1"]
    subprocess.run(
        [sys.executable, "-c", run, *arguments], check=True, capture_output=True, timeout=500
    )
    assert results(tmp_path / "ray") == results(tmp_path / "local")


def fake(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_slurm_gets_a_script_whose_shares_find_the_same(
    clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no Slurm here: a stand-in for sbatch takes the job, and the shares are run as the
    script says, as Slurm would.
    """
    mine(tmp_path / "local", [clones], ONE)
    tools, out = tmp_path / "tools", tmp_path / "slurm"
    fake(tools, "sbatch", f"cp \"$2\" '{tmp_path}/job' 2>/dev/null; echo Submitted batch job 7")
    fake(tools, "scontrol", "echo localhost")
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    settings = MineSettings(executor="slurm", tasks=2, slurm_partition="cpu", slurm_time="1:00:00")
    assert mine(out, [clones], settings) is None, "handed over, not done"
    script = (out / "logs/launch_script.slurm").read_text("utf-8")
    for line in ("#SBATCH --partition=cpu", "#SBATCH --time=1:00:00", "#SBATCH --array=0-1%2"):
        assert line in script
    launched = next(line for line in script.splitlines() if "launch_pickled_pipeline" in line)
    launcher = [str(Path(sys.executable).with_name("launch_pickled_pipeline"))]
    for share in range(2):
        environment = os.environ | {
            "SLURM_ARRAY_TASK_ID": str(share),
            "SLURM_NODELIST": "localhost",
        }
        subprocess.run([*launcher, launched.split()[-1]], env=environment, check=True)
    assert mine(out, [clones], settings) is not None, "the same call collects"
    assert results(out) == results(tmp_path / "local")


def test_slurm_that_is_not_here_is_told(
    clones: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="--slurm-partition"):
        mine(tmp_path / "out", [clones], MineSettings(executor="slurm"))
    git = Path(shutil.which("git") or "").parent
    monkeypatch.setenv("PATH", str(git))
    if shutil.which("sbatch") is None:
        with pytest.raises(InputError, match="sbatch is not here"):
            settings = MineSettings(executor="slurm", slurm_partition="cpu")
            mine(tmp_path / "out", [clones], settings)
