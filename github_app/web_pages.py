"""What the web side says of itself: the webhook for OpenAPI, and the routes as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_SAYS = {
    "type": "object",
    "properties": {
        "status": {"enum": ["accepted", "known", "ignored", "refused"]},
        "reason": {"type": "string"},
        "error": {"type": "string"},
    },
    "required": ["status"],
}


def _header(name: str, pattern: str, description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": True,
        "description": description,
        "schema": {"type": "string", "pattern": pattern},
    }


def _answer(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _SAYS}}}


# Checked by hand and in another order than FastAPI would: first the signature.
OPENAPI_OF_WEBHOOK: dict[str, Any] = {
    "parameters": [
        _header("X-Hub-Signature-256", "^sha256=[0-9a-f]{64}$", "HMAC of the raw body."),
        _header("X-GitHub-Event", "^[a-z_0-9]{1,64}$", "Kind of event."),
        _header("X-GitHub-Delivery", "^[A-Za-z0-9-]{1,64}$", "GUID, the same when redelivered."),
    ],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "object"}}},
    },
    "responses": {
        "200": _answer("It asks for nothing; the reason says why."),
        "202": _answer("It is on disk and will be worked on, or was there already."),
        "400": _answer("A header or the body is not as GitHub documents it."),
        "401": _answer("It is not signed with the app's secret."),
        "413": _answer("The body is larger than GitHub's may be."),
        "503": _answer("It came too slowly or could not be kept: deliver it again."),
    },
}


def routes_page(document: Mapping[str, Any]) -> str:
    """An OpenAPI document as one page of HTML, without scripts and without another request."""
    return "\n".join(_page(document))


def _page(document: Mapping[str, Any]) -> Iterator[str]:
    title = escape(f"{document['info']['title']} {document['info']['version']}")
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>"
    yield f"<p>{escape(document['info']['description'])} As <a href=openapi.json>OpenAPI</a>."
    for path, methods in document["paths"].items():
        for method, route in methods.items():
            yield f"<h2><code>{escape(method.upper())} {escape(path)}</code></h2>"
            yield f"<p>{escape(route.get('description', ''))}<ul>"
            for each in route.get("parameters", ()):
                yield f"<li><code>{escape(each['name'])}</code>: {escape(each['description'])}"
            for status, answer in sorted(route.get("responses", {}).items()):
                yield f"<li>{escape(status)}: {escape(answer['description'])}"
            yield "</ul>"
