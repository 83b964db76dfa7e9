"""Neovim, headless, the real server and the configuration of docs/editors."""

from __future__ import annotations

from pathlib import Path

import pytest
from editor_sessions import FUNCTION, Shop, configuration_of, seen_by
from tools import tool

pytestmark = [pytest.mark.editors, pytest.mark.bundle]

SESSION = Path(__file__).with_name("neovim_session.lua")
INFORMATION = 3


def test_neovim_shows_the_finding_and_takes_the_change_back(shop: Shop, tmp_path: Path) -> None:
    """Every step goes the way of a key: its menus, its floating window, its write."""
    configuration = tmp_path / "init.lua"
    configuration.write_text(configuration_of("neovim.md", "lua"), encoding="utf-8")
    seen = seen_by(
        [
            tool("nvim"),
            "--headless",
            "-n",
            "-i",
            "NONE",
            "-u",
            configuration,
            shop.file,
            "-S",
            SESSION,
        ],
        tmp_path / "seen.json",
        THEMIS_CHOICE="Themis: take this change back",
    )
    assert "failed" not in seen, seen

    (found,) = seen["diagnostics"]
    assert found["message"].startswith(f"{FUNCTION}: ")
    assert found["source"] == "themis"
    assert found["severity"] == INFORMATION, "the page's settings reach the server"
    hover = "\n".join(seen["hover"])
    assert FUNCTION in hover
    assert "correctness" in hover
    assert any(title.startswith("Themis: ignore correctness") for title in seen["titles"])
    assert shop.file.read_text(encoding="utf-8") == shop.without_first_hunk()
