"""Whether a delivery comes from GitHub: HMAC-SHA256 over the raw body, as it was sent.

Source: GitHub's documentation, "Validating webhook deliveries".
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from github_app.secrets import Secret

HEADER = "X-Hub-Signature-256"


def signature(secret: Secret, body: bytes) -> str:
    """The header's value for a body."""
    return f"sha256={hmac.digest(secret.reveal().encode(), body, 'sha256').hex()}"


def is_signed(secrets: Sequence[Secret], body: bytes, header: str | None) -> bool:
    """Whether one of the secrets made the header for this body. How long that takes tells nothing
    of the signature that would be right.
    """
    if not header:
        return False
    given = header.encode("latin-1", "replace")  # compare_digest takes no other text than ASCII
    matches = [hmac.compare_digest(signature(secret, body).encode(), given) for secret in secrets]
    return any(matches)
