"""Takes secrets out of text before anybody reads it. The last line of defence: nothing should have
put them there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from github_app.secrets import Secret

SHOWN = "(secret)"
_SHORTEST = 6  # a shorter secret would blank out words

_PATTERNS = (
    # GitHub's tokens: https://docs.github.com/authentication, "GitHub's token formats"
    re.compile(r"\b(?:gh[a-z]_[A-Za-z0-9_.-]{10,}|github_pat_[A-Za-z0-9_]{10,})"),
    re.compile(r"\beyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]{5,}"),  # a signed JWT
    # A line break may be one, or be escaped.
    re.compile(
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL
    ),
    re.compile(r"(?<=://)[^\s/@\"'<>\\]+(?=@)"),  # user and password of an address
    re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9+/_.=-]{8,}"),
)


def redactor(secrets: Sequence[Secret] = ()) -> Callable[[str], str]:
    """What takes these secrets and all that looks like a token, a key or a password out of text."""
    literal: list[str] = []
    for secret in secrets:
        value = secret.reveal()
        if len(value) >= _SHORTEST:
            literal += [value, json.dumps(value)[1:-1]]
    known = [re.compile("|".join(re.escape(each) for each in literal))] if literal else []

    def redact(text: str) -> str:
        for pattern in (*known, *_PATTERNS):
            text = pattern.sub(SHOWN, text)
        return text

    return redact
