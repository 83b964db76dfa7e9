"""Where the page about an axis is: on this machine, as everything is."""

from __future__ import annotations

import sysconfig
from pathlib import Path

from lsp_server.uris import uri_of
from review_core.types import Axis


def axis_page(axis: Axis) -> str | None:
    """The URI of the axis's page, of the checkout or as installed; None if it is not there."""
    checkout = Path(__file__).resolve().parents[1] / "docs" / "axes"
    installed = Path(sysconfig.get_path("data")) / "share" / "themis" / "docs" / "axes"
    pages = (folder / f"{axis}.md" for folder in (checkout, installed))
    return next((uri_of(page) for page in pages if page.is_file()), None)
