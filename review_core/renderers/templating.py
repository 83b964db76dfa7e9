"""What our HTML pages are made with: the shipped templates, and sources named by their hash."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment() -> Environment:
    """Renders the shipped templates; foreign text is escaped, an unknown name is an error."""
    from jinja2 import BaseLoader, Environment, StrictUndefined, TemplateNotFound

    class Shipped(BaseLoader):
        def get_source(self, environment: Environment, template: str) -> tuple[str, None, None]:
            try:
                return resource(template), None, None
            except FileNotFoundError as error:
                raise TemplateNotFound(template) from error

    return Environment(
        loader=Shipped(),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def resource(name: str) -> str:
    """The text of a shipped template, style or script."""
    return resources.files("review_core").joinpath(f"renderers/templates/{name}").read_text("utf-8")


def source_hash(source: str) -> str:
    """As a Content-Security-Policy names an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()
