"""pygls's protocol, less a leak."""

from __future__ import annotations

from typing import Any

from pygls.protocol import LanguageServerProtocol


class Protocol(LanguageServerProtocol):
    """Forgets what is done. pygls 2.1 keeps a future of every notification for good, over a
    kilobyte for each keystroke.
    """

    def handle_message(self, message: Any) -> None:
        """Have a message answered, and let go of the futures of those that are."""
        super().handle_message(message)
        done = [id_ for id_, future in self._request_futures.items() if future.done()]
        for id_ in done:
            del self._request_futures[id_]
