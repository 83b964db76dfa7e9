"""Opens the model that settings name, for every program. What is heavy is imported when needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from review_core.bundle import Description
    from review_core.cache import RewardCache
    from review_core.calibration import Calibration
    from review_core.cascade import JudgeModel
    from review_core.config import Settings
    from review_core.engine import Limits
    from review_core.margins import Model
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


def load_judge(
    settings: Settings, model: Model, calibration: Calibration, limits: Limits | None = None
) -> JudgeModel[Scorer] | None:
    """The judge that settings name, ready to be opened; None if they name none.

    Its manifest and calibration are read now, its weights when it is first asked: most changes
    never ask.

    :param model: the first one, and its calibration.
    :param limits: of a run's memory; None for the engine's own.
    :raises BundleError: if its folder holds no bundle.
    :raises ConfigurationError: if it can add nothing to the first.
    """
    from review_core.bundle import describe_bundle
    from review_core.calibration import Calibration
    from review_core.cascade import JudgeModel, check_pair

    path = settings.judge.model
    if path is None:
        return None
    with _of_the_judge():
        about = describe_bundle(path)
        own = Calibration.from_json(about.calibration_json)
        for criterion in about.manifest.criteria:
            own.of(criterion)
    opened = cache(partial(_open_judge, about, settings, limits))
    judge = JudgeModel(about.identity, about.manifest, own, opened)
    check_pair(model, calibration, judge, settings)
    return judge


def _open_judge(about: Description, settings: Settings, limits: Limits | None) -> Scorer:
    from review_core.bundle import load_bundle
    from review_core.engine import Engine
    from review_core.errors import BundleError
    from review_core.scorer import Scorer

    with _of_the_judge():
        bundle = load_bundle(about.path)
        if bundle.identity != about.identity:
            raise BundleError(f"{about.path} was replaced meanwhile; start again")
        engine = Engine(bundle, threads=settings.threads, limits=limits)
    return Scorer(bundle, engine, reward_cache(settings))


@contextmanager
def _of_the_judge() -> Iterator[None]:
    """Errors say which of the two bundles they speak of, and what names it."""
    from review_core.errors import BundleError, RuntimeMissingError

    try:
        yield
    except RuntimeMissingError:
        raise
    except BundleError as error:
        told = str(error).replace("--model or THEMIS_MODEL", "--judge or THEMIS_JUDGE")
        raise BundleError(f"the judge cannot be used: {told}") from error


def reward_cache(settings: Settings) -> RewardCache | None:
    """The cache on disk that settings ask for."""
    from review_core.cache import RewardCache, default_cache_path

    if not settings.cache.enabled:
        return None
    folder = settings.cache.directory
    path = default_cache_path() if folder is None else folder / default_cache_path().name
    return RewardCache(path, max_bytes=settings.cache.max_megabytes * 2**20)
