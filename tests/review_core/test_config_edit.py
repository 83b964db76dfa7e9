"""Values are set in a configuration without touching what people wrote around them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from review_core.config import load_settings
from review_core.config_edit import edited
from review_core.errors import ConfigurationError
from review_core.types import Axis

OURS, PROJECT = Path(".themis.toml"), Path("pyproject.toml")
VALUES = {"axes.security.worse_at": 0.93}


def test_an_empty_file_gets_the_table() -> None:
    assert edited("", OURS, VALUES).strip() == "[axes.security]\nworse_at = 0.93"


def test_comments_order_and_layout_stay() -> None:
    text = (
        "# ours\nexclude = [\n  'vendor/', # not ours\n]\n\n"
        "[axes.security]  # strict\nmode = 'comment'\nworse_at = 0.8 # a guess\n\n"
        "[cache]\nenabled = false\n"
    )
    assert edited(text, OURS, VALUES) == text.replace("0.8", "0.93")


@pytest.mark.parametrize(
    "text",
    [
        "axes.security.mode = 'off'\n",
        "axes = {security = {mode = 'off'}}\n",
        "[axes]\nsecurity = {mode = 'off'}\n",
        "[axes.readability]\n[cache]\nenabled = true\n[axes.security]\nmode = 'off'\n",
    ],
)
def test_tables_are_found_however_they_are_written(text: str, tmp_path: Path) -> None:
    file = tmp_path / OURS
    file.write_text(edited(text, file, VALUES))
    settings = load_settings(tmp_path).settings
    assert settings.axes[Axis.SECURITY].worse_at == 0.93
    before, after = tomllib.loads(text), tomllib.loads(file.read_text())
    del after["axes"]["security"]["worse_at"]
    assert after["axes"]["security"] or not before["axes"].get("security")


def test_in_a_pyproject_the_table_of_the_tool_is_ours() -> None:
    text = "[project]\nname = 'shop'\n\n[tool.themis]\nthreads = 2\n"
    found = tomllib.loads(edited(text, PROJECT, VALUES))
    assert found["tool"]["themis"] == {"threads": 2, "axes": {"security": {"worse_at": 0.93}}}
    assert found["project"] == {"name": "shop"}


@pytest.mark.parametrize("text", ["axes = 3\n", "axes = [\n", "[[axes]]\nsecurity = 1\n"])
def test_what_cannot_be_edited_is_left_to_a_person(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\.themis\.toml cannot be edited"):
        edited(text, OURS, VALUES)
