"""Opens the model for an editor: within the memory that one may take beside a person's own work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from review_core.calibration import Calibration
    from review_core.cascade import JudgeModel
    from review_core.config import Settings
    from review_core.margins import Model
    from review_core.scorer import Scorer

_ROWS, _CELLS = 4, 2048


def load_scorer(settings: Settings) -> tuple[Scorer, Calibration]:
    """As `review_core.loading` does it, with fewer texts read together: the bundle that ships is as
    fast that way and takes 200 MB less.

    :raises BundleError: if the bundle cannot be used.
    """
    from review_core.engine import Limits
    from review_core.loading import load_scorer

    return load_scorer(settings, Limits(rows=_ROWS, cells=_CELLS))


def load_judge(
    settings: Settings, model: Model, calibration: Calibration
) -> JudgeModel[Scorer] | None:
    """The judge that settings name, likewise; None if they name none.

    :raises BundleError: if its folder holds no bundle.
    :raises ConfigurationError: if it can add nothing to the model.
    """
    from review_core.engine import Limits
    from review_core.loading import load_judge

    return load_judge(settings, model, calibration, Limits(rows=_ROWS, cells=_CELLS))
