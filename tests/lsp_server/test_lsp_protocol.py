"""What we do beside pygls."""

from __future__ import annotations

import pytest
from lsp_scorer import load_scorer
from lsprotocol import types as lsp

from lsp_server.server import create_server


@pytest.mark.asyncio
async def test_nothing_is_kept_of_notifications_that_are_done() -> None:
    """A keystroke is one; pygls alone would keep a future of each."""
    server = create_server(load_scorer)
    value = lsp.SetTraceNotification(params=lsp.SetTraceParams(lsp.TraceValue.Off))
    for _ in range(3):
        server.protocol.handle_message(value)
    assert server.protocol._request_futures == {}
    server.protocol.trace = lsp.TraceValue.Verbose
    server.protocol.handle_message(value)
    assert server.protocol.trace is lsp.TraceValue.Off  # it was dealt with, not dropped
