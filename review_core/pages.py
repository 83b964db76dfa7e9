"""Where the page about an axis is: in the checkout, or where the wheel puts it."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from review_core.types import Axis


def axis_page(axis: Axis) -> Path | None:
    """The Markdown page about an axis; None if this installation has none."""
    checkout = Path(__file__).resolve().parents[1] / "docs" / "axes"
    installed = Path(sysconfig.get_path("data")) / "share" / "themis" / "docs" / "axes"
    pages = (folder / f"{axis}.md" for folder in (checkout, installed))
    return next((page for page in pages if page.is_file()), None)
