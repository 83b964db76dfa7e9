"""GitHub's rate limits: the hourly one with its headers, and the secondary one.

Sources: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from fake_github.exchange import Answer, Refusal

PER_HOUR = 5000
_EXCEEDED = (
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
)


@dataclass(slots=True)
class Window:
    """remaining: requests until `reset_at`, in seconds since the epoch."""

    remaining: int = PER_HOUR
    reset_at: float = 0.0
    spent: deque[tuple[float, int]] = field(default_factory=deque)
    contents: deque[float] = field(default_factory=deque)


@dataclass(slots=True)
class Limits:
    """points and contents: secondary limits a minute; None switches one off."""

    points: int | None = 900
    contents: int | None = 80
    _windows: dict[str, Window] = field(default_factory=dict)

    def set(self, who: str, remaining: int, reset_at: float) -> None:
        """Begin a window with so many requests left."""
        self._windows[who] = Window(remaining, reset_at)

    def charge(self, who: str, method: str, now: float, is_content: bool) -> None:
        """Count a request, or refuse it. Real seconds count, not those of a clock set forward."""
        window = self._window(who, now)
        if window.remaining <= 0:
            raise Refusal(403, f"API rate limit exceeded for installation ID {who}.")
        window.remaining -= 1
        cost = 1 if method == "GET" else 5
        while window.spent and window.spent[0][0] < now - 60:
            window.spent.popleft()
        while window.contents and window.contents[0] < now - 60:
            window.contents.popleft()
        window.spent.append((now, cost))
        if is_content:
            window.contents.append(now)
        too_many = self.contents is not None and len(window.contents) > self.contents
        if too_many or (self.points is not None and sum(c for _, c in window.spent) > self.points):
            raise Refusal(403, _EXCEEDED, headers={"retry-after": "60"})

    def give_back(self, who: str, now: float) -> None:
        """A 304 is free."""
        self._window(who, now).remaining += 1

    def mark(self, who: str, answer: Answer, now: float) -> None:
        """Put the numbers into the answer's headers."""
        window = self._window(who, now)
        answer.headers |= {
            "x-ratelimit-limit": str(PER_HOUR),
            "x-ratelimit-remaining": str(max(window.remaining, 0)),
            "x-ratelimit-used": str(PER_HOUR - window.remaining),
            "x-ratelimit-reset": str(int(window.reset_at) + 1),
            "x-ratelimit-resource": "core",
        }

    def overview(self, who: str, now: float) -> dict[str, object]:
        """The body of /rate_limit."""
        window = self._window(who, now)
        rate = {
            "limit": PER_HOUR,
            "remaining": window.remaining,
            "used": PER_HOUR - window.remaining,
            "reset": int(window.reset_at) + 1,
        }
        return {"resources": {"core": rate, "graphql": rate, "search": rate}, "rate": rate}

    def _window(self, who: str, now: float) -> Window:
        window = self._windows.setdefault(who, Window())
        if window.reset_at <= now:
            window.remaining, window.reset_at = PER_HOUR, now + 3600
        return window


def secondary(seconds: int) -> tuple[str, dict[str, str]]:
    """Message and headers of a refusal for the secondary limit."""
    return _EXCEEDED, {"retry-after": str(seconds)}
