"""Endpoints about who may do what."""

from __future__ import annotations

from fake_github.exchange import Answer, Call

# GitHub's `permission` knows four words; `role_name` the finer ones.
_PERMISSION = {"maintain": "write", "triage": "read"}


def permission(call: Call) -> Answer:
    login = call.names["username"]
    role = call.world.role(call.repository, login)
    flat = _PERMISSION.get(role, role)
    ranks = ["none", "read", "triage", "write", "maintain", "admin"]
    rank = ranks.index(role)
    user = call.shapes.user(login) | {
        "role_name": role,
        "permissions": {
            "pull": rank >= 1,
            "triage": rank >= 2,
            "push": rank >= 3,
            "maintain": rank >= 4,
            "admin": rank >= 5,
        },
    }
    return Answer(200, {"permission": flat, "role_name": role, "user": user})
