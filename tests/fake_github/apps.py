"""Endpoints of the app itself: installations, tokens, deliveries of its webhook."""

from __future__ import annotations

import secrets

from fake_github.exchange import Answer, Call, Refusal
from fake_github.shapes import selection
from fake_github.world import Delivery, Installation, Json, Token, timestamp

_LEVELS = {"read": 1, "write": 2, "admin": 3}


def app(call: Call) -> Answer:
    installed = sum(not i.deleted for i in call.world.installations.values())
    return Answer(200, call.shapes.app(call.world.app) | {"installations_count": installed})


def installations(call: Call) -> Answer:
    present = [i for i in call.world.installations.values() if not i.deleted]
    return call.page(present, call.shapes.installation)


def installation(call: Call) -> Answer:
    return Answer(200, call.shapes.installation(_installation(call)))


def repository_installation(call: Call) -> Answer:
    found = call.world.installation_of(call.repository)
    if found is None:
        raise Refusal(404, "Not Found")
    return Answer(200, call.shapes.installation(found))


def _installation(call: Call) -> Installation:
    found = call.world.installations.get(call.number("installation_id"))
    if found is None or found.deleted:
        raise Refusal(404, "Not Found")
    return found


def create_token(call: Call) -> Answer:
    """Narrowed as asked; never wider than the installation. Lasts an hour."""
    found = _installation(call)
    if found.suspended_at is not None:
        raise Refusal(403, "This installation has been suspended")
    asked = call.json or {}
    visible = [call.world.repositories[id_] for id_ in call.world.visible(found)]
    chosen = visible
    if "repository_ids" in asked or "repositories" in asked:
        ids, names = asked.get("repository_ids", []), asked.get("repositories", [])
        chosen = [r for r in visible if r.id in ids or r.name in names]
        if len(chosen) < len(ids) + len(names):
            raise Refusal(
                422,
                "There is at least one repository that does not exist or is not accessible to the "
                "parent installation.",
            )
    permissions = asked.get("permissions") or found.permissions
    for name, level in permissions.items():
        if _LEVELS.get(level, 9) > _LEVELS.get(found.permissions.get(name, ""), 0):
            raise Refusal(422, "The permissions requested are not granted to this installation.")
    token = Token(
        token=f"ghs_{secrets.token_hex(18)}",
        installation=found.id,
        permissions=dict(permissions) | {"metadata": "read"},
        repositories=[r.id for r in chosen],
        narrowed=chosen is not visible or found.repositories is not None,
        expires_at=call.world.now() + 3600,
    )
    call.world.tokens.append(token)
    body: Json = {
        "token": token.token,
        "expires_at": timestamp(token.expires_at),
        "permissions": token.permissions,
        "repository_selection": selection(token.narrowed),
    }
    if token.narrowed:
        body["repositories"] = [call.shapes.repository(r) for r in chosen]
    return Answer(201, body)


def revoke_token(call: Call) -> Answer:
    assert call.token is not None
    call.world.tokens.remove(call.token)
    return Answer(204)


def installation_repositories(call: Call) -> Answer:
    assert call.token is not None
    seen = [r for r in call.token.repositories if r in call.world.visible(call.installation)]
    answer = call.page_in(
        "repositories", [call.world.repositories[r] for r in seen], call.shapes.repository
    )
    assert isinstance(answer.json, dict)
    answer.json["repository_selection"] = selection(call.installation.repositories is not None)
    return answer


def hook_config(call: Call) -> Answer:
    return Answer(
        200,
        {
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": "********",
            "url": call.world.app.webhook_url or "https://app.example/webhook",
        },
    )


def deliveries(call: Call) -> Answer:
    """The newest first; a cursor instead of page numbers."""
    newest = [d for d in reversed(call.world.deliveries) if d.status != "pending"]
    if call.query.get("status") == "failure":
        newest = [d for d in newest if not 200 <= d.status_code < 400]
    elif call.query.get("status") == "success":
        newest = [d for d in newest if 200 <= d.status_code < 400]
    size = min(int(call.query.get("per_page", 30)), 100)
    if cursor := call.query.get("cursor"):
        before = int(cursor.removeprefix("v1_"))
        newest = [d for d in newest if d.id < before]
    shown = newest[:size]
    headers = {}
    if len(newest) > size:
        kept = "".join(f"&status={s}" for s in [call.query.get("status")] if s)
        url = f"{call.shapes.at.api}{call.path}?per_page={size}{kept}&cursor=v1_{shown[-1].id}"
        headers["link"] = f'<{url}>; rel="next"'
    return Answer(200, [call.shapes.delivery(d) for d in shown], headers=headers)


def _delivery(call: Call) -> Delivery:
    wanted = call.number("delivery_id")
    for known in call.world.deliveries:
        if known.id == wanted:
            return known
    raise Refusal(404, "Not Found")


def delivery(call: Call) -> Answer:
    known = _delivery(call)
    request = {"headers": {"X-GitHub-Delivery": known.guid}, "payload": known.payload}
    shape = call.shapes.delivery(known)
    shape |= {"request": request, "response": {"headers": {}, "payload": ""}}
    return Answer(200, shape)


def redeliver(call: Call) -> Answer:
    """Really sends it again, with the same GUID."""
    call.announcer.redeliver(_delivery(call).id)
    return Answer(202, {})


def rate_limit(call: Call) -> Answer:
    """Costs nothing; the gate fills in the numbers."""
    return Answer(200, {})
