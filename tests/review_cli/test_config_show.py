"""`themis config show`: every value, and where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from review_cli.main import cli
from review_core.command import run

RULES = """
[[paths]]
match = ["tests/"]
mode = "monitor"

[[paths]]
match = ["legacy/", "a/very/long/path/that/is/written/out/*.py"]
axes = {security = "block"}
"""


def test_rules_for_paths_are_shown_in_their_order_with_where_they_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".git").mkdir()
    file = tmp_path / ".themis.toml"
    file.write_text(RULES)
    monkeypatch.delenv("THEMIS_MODEL", raising=False)
    assert run(cli, "themis", ["config", "show", "-C", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    first, second = (line for line in lines if line.startswith("paths["))
    assert first.split(maxsplit=1)[1].startswith('{"match": ["tests/"], "mode": "monitor"}  ')
    assert first.endswith(f"  {file}")
    assert second.startswith("paths[2]") and second.endswith(f'{{"security": "block"}}}}  {file}')
    (model,) = (line for line in lines if line.startswith("model "))
    assert model.endswith("  default")


def test_without_rules_there_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".git").mkdir()
    assert run(cli, "themis", ["config", "show", "-C", str(tmp_path)]) == 0
    assert [
        line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("paths")
    ] == [["paths", "[]", "default"]]
