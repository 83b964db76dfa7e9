"""Emacs in batch mode, the real server and the configuration of docs/editors."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor_sessions import FUNCTION, Shop, configuration_of, seen_by
from tools import tool

pytestmark = [pytest.mark.editors, pytest.mark.bundle]

SESSION = Path(__file__).with_name("emacs_session.el")


def test_emacs_shows_the_finding_and_takes_the_change_back(shop: Shop, tmp_path: Path) -> None:
    """Every step goes the way of a key: flymake, eldoc, the menu of actions, save-buffer."""
    configuration = tmp_path / "init.el"
    configuration.write_text(configuration_of("emacs.md", "elisp"), encoding="utf-8")
    seen = seen_by(
        [tool("emacs"), "--batch", "--load", configuration, "--load", SESSION],
        tmp_path / "seen.json",
        THEMIS_FILE=shop.file,
        THEMIS_CHOICE="Themis: take this change back",
    )

    (message,) = seen["messages"]
    assert f"{FUNCTION}: " in message
    assert seen["type"] == "eglot-note", "the page's settings reach the server"
    assert FUNCTION in seen["hover"]
    assert "correctness" in seen["hover"]
    assert any(title.startswith("Themis: ignore correctness") for title in seen["titles"])
    assert shop.file.read_text(encoding="utf-8") == shop.without_first_hunk()
