"""Opens the model that settings name, for every program. What is heavy is imported when needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from review_core.cache import RewardCache
    from review_core.calibration import Calibration
    from review_core.config import Settings
    from review_core.engine import Limits
    from review_core.scorer import Scorer


def bundle_path(settings: Settings) -> Path:
    """The bundle that settings name, or the one that ships."""
    from review_core.bundle import default_bundle_path

    return settings.model or default_bundle_path()


def load_scorer(settings: Settings, limits: Limits | None = None) -> tuple[Scorer, Calibration]:
    """The scorer of the settings' bundle, with its cache, and its calibration.

    :param limits: of a run's memory; None for the engine's own.
    :raises BundleError: if the bundle cannot be used.
    """
    from review_core.bundle import load_bundle
    from review_core.calibration import Calibration
    from review_core.engine import Engine
    from review_core.scorer import Scorer

    bundle = load_bundle(bundle_path(settings))
    calibration = Calibration.from_json(bundle.calibration_json)
    engine = Engine(bundle, threads=settings.threads, limits=limits)
    return Scorer(bundle, engine, reward_cache(settings)), calibration


def reward_cache(settings: Settings) -> RewardCache | None:
    """The cache on disk that settings ask for."""
    from review_core.cache import RewardCache, default_cache_path

    if not settings.cache.enabled:
        return None
    folder = settings.cache.directory
    path = default_cache_path() if folder is None else folder / default_cache_path().name
    return RewardCache(path, max_bytes=settings.cache.max_megabytes * 2**20)
