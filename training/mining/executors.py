"""Runs the steps: on this machine, on Ray or on Slurm. What is mined does not depend on where."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from review_core.errors import InputError
from training.mining.settings import MineSettings

_SHARES_A_WORKER = 16


def run_steps(steps: list[Any], repositories: int, logs: Path, settings: MineSettings) -> bool:
    """Run a pipeline over all repositories; return whether it has run when this returns.

    Slurm only takes the job: its shares run when it finds the time.

    :raises InputError: where Ray or Slurm is not here.
    """
    logs.mkdir(parents=True, exist_ok=True)
    shares = settings.tasks or _SHARES_A_WORKER * settings.workers
    common = {
        "pipeline": steps,
        "tasks": max(1, min(shares, repositories)),
        "workers": settings.workers,
        "logging_dir": str(logs.resolve()),
        "skip_completed": False,  # what is finished is known by repository
    }
    if settings.executor == "ray":
        _run_on_ray(common, settings)
    elif settings.executor == "slurm":
        _launch_on_slurm(common, settings)
        return False
    else:
        _quiet_local_executor()(**common).run()
    return True


def _quiet_local_executor() -> Any:
    from datatrove.executor.local import LocalPipelineExecutor

    class Quiet(LocalPipelineExecutor):  # type: ignore[misc]  # datatrove has no types
        """Leaves only errors on stderr: the first worker would print every step's figures."""

        def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
            return super()._run_for_rank(rank, local_rank + 1, node_rank)

    return Quiet


def _run_on_ray(common: dict[str, Any], settings: MineSettings) -> None:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is sent anywhere
    try:
        import ray
    except ImportError as error:
        raise InputError("ray is not installed; pip install 'themis-review[scale]'") from error
    from datatrove.executor.ray import RayPipelineExecutor

    started = not ray.is_initialized()
    if started and settings.ray_address:
        ray.init(address=settings.ray_address, log_to_driver=True)
    elif started:
        ray.init(
            num_cpus=settings.workers,
            include_dashboard=False,
            _node_ip_address="127.0.0.1",  # nobody else's business
            object_store_memory=80 << 20,
        )
    try:
        RayPipelineExecutor(**common, mem_per_cpu_gb=0.5).run()
    finally:
        if started:
            ray.shutdown()


def _launch_on_slurm(common: dict[str, Any], settings: MineSettings) -> None:
    if not settings.slurm_partition:
        raise InputError("Slurm asks for a partition; name one with --slurm-partition")
    if shutil.which("sbatch") is None:
        raise InputError("sbatch is not here; run this where Slurm's jobs are started")
    from datatrove.executor.slurm import SlurmPipelineExecutor

    SlurmPipelineExecutor(
        **common,
        time=settings.slurm_time,
        partition=settings.slurm_partition,
        job_name="themis-mine",
        venv_path=str(Path(sys.prefix) / "bin/activate"),
    ).run()
