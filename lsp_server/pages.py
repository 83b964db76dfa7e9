"""The page about an axis, as editors open it."""

from __future__ import annotations

from lsp_server.uris import uri_of
from review_core import pages
from review_core.types import Axis


def axis_page(axis: Axis) -> str | None:
    """The URI of the axis's page; None if this installation has none."""
    page = pages.axis_page(axis)
    return None if page is None else uri_of(page)
