"""The `themis` command as a user runs it: a process, a real repository, a real (random) model."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

Themis = Callable[..., subprocess.CompletedProcess[str]]

BASE = """\
def total(items):
    amount = 0
    for item in items:
        amount += item.price
    return amount


def shown(items):
    return [item.name for item in items]
"""
HEAD = BASE.replace("amount += item.price", "amount = amount + item.price * item.count")


@pytest.fixture
def shop(repository: Any) -> Any:
    """Two commits: `total` changed, `shown` did not."""
    repository.commit("Add a cart", cart=BASE)
    repository.commit("Count the items", cart=HEAD)
    return repository


def without_stats(text: str) -> Any:
    document = json.loads(text)
    document.pop("stats")
    return document


# --- review ---------------------------------------------------------------------------------------


def test_a_range_is_reviewed_as_json_that_the_schema_allows(themis: Themis, shop: Any) -> None:
    run = themis("review", "HEAD~1...HEAD", "--format", "json", cwd=shop.path)
    assert (run.returncode, run.stderr) == (0, "")
    document = json.loads(run.stdout)
    schema = resources.files("review_core").joinpath("schemas/report.schema.json").read_text()
    jsonschema.validate(document, json.loads(schema))
    (function,) = document["functions"]
    assert (function["name"], function["base_lines"], function["head_lines"]) == (
        "total",
        [1, 5],
        [1, 5],
    )
    assert set(function["axes"]) == {"correctness", "readability", "security"}
    assert {score["verdict"] for score in function["axes"].values()} <= {"better", "worse"}
    worse = [axis for axis, score in function["axes"].items() if score["verdict"] == "worse"]
    assert [finding["axis"] for finding in document["findings"]] == worse
    assert all(finding["start_line"] == 4 for finding in document["findings"])
    assert document["bundle"]["name"] == "tiny-qwen2"


def test_the_same_review_gives_the_same_bytes_with_and_without_the_cache(
    themis: Themis, shop: Any
) -> None:
    command = ("review", "HEAD~1..HEAD", "--format", "json")
    cold, warm = (themis(*command, cwd=shop.path) for _ in range(2))
    bare = themis(*command, "--no-cache", "--threads", "1", cwd=shop.path)
    assert json.loads(cold.stdout)["stats"]["cache_hits"] == 0
    assert json.loads(warm.stdout)["stats"]["tokens_computed"] == 0
    assert json.loads(bare.stdout)["stats"]["cache_hits"] == 0
    texts = [run.stdout[: run.stdout.index('"stats"')] for run in (cold, warm, bare)]
    assert texts[0] == texts[1] == texts[2]


def test_a_review_writes_its_cache_and_nothing_else(
    themis: Themis, shop: Any, tmp_path: Path
) -> None:
    """The model runtime would keep a device id and reports to send; nothing leaves this machine."""
    cache = tmp_path / "cache"
    home = {"HOME": str(tmp_path / "home"), "CI": ""}  # the runtime is silent where CI is set
    themis("review", "HEAD", "--no-cache", cwd=shop.path, **home)
    assert not cache.exists()
    themis("review", "HEAD", cwd=shop.path, **home)
    assert [each.name for each in cache.iterdir()] == ["themis-review"]
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("target", ["HEAD", "HEAD~1..HEAD", "HEAD~1...HEAD"])
def test_every_way_to_name_the_commit_sees_the_same_function(
    themis: Themis, shop: Any, target: str
) -> None:
    run = themis("review", "-C", shop.path, target, "--format", "json")
    document = json.loads(run.stdout)
    assert [each["name"] for each in document["functions"]] == ["total"]
    assert document["intent"] == "Count the items"


def test_the_working_tree_the_index_a_patch_and_two_files_see_it_too(
    themis: Themis, repository: Any
) -> None:
    repository.commit("Add a cart", cart=BASE)
    repository.write("cart.py", HEAD)
    patch = repository.git("diff") + "\n"
    (repository.path.parent / "change.patch").write_text(patch)
    (repository.path.parent / "before.py").write_text(BASE)
    repository.git("stash", "--quiet")
    base_dir = repository.path.parent / "base"
    shutil.copytree(repository.path, base_dir)
    repository.git("stash", "pop", "--quiet")
    repository.git("add", "--all")
    json_here = ("--format", "json", "-C", repository.path)
    runs = [
        themis("review", *json_here),
        themis("review", "--staged", *json_here),
        themis("review", "--patch", "../change.patch", "--base-dir", "../base", *json_here),
        themis("review", "--patch", "-", "-C", base_dir, "--format", "json", stdin=patch),
        themis("review", "../before.py", "cart.py", *json_here),
        themis("review", "../base", ".", *json_here),
    ]
    for run in runs:
        assert run.returncode == 0, run.stderr
        names = [each["name"] for each in json.loads(run.stdout)["functions"]]
        assert names == ["total"], run.args


def test_the_intent_option_wins_over_the_commits_title(themis: Themis, shop: Any) -> None:
    run = themis("review", "HEAD", "--intent", "Mine", "--format", "json", cwd=shop.path)
    assert json.loads(run.stdout)["intent"] == "Mine"


def test_the_terminal_page_goes_to_stdout_without_colours_when_piped(
    themis: Themis, shop: Any
) -> None:
    run = themis("review", "HEAD", cwd=shop.path)
    assert run.stdout.startswith("themis ")
    assert "cart.py\n  total" in run.stdout
    assert run.stdout.splitlines()[-1].startswith("1 changed function in 1 file · ")
    assert "\x1b" not in run.stdout + run.stderr
    assert run.stderr == ""


def test_markdown_and_an_output_file(themis: Themis, shop: Any) -> None:
    run = themis("review", "HEAD", "--format", "markdown", "--output", "out.md", cwd=shop.path)
    assert (run.returncode, run.stdout) == (0, "")
    assert (shop.path / "out.md").read_text().startswith("### Themis: ")


def test_nothing_changed_is_no_error(themis: Themis, shop: Any) -> None:
    run = themis("review", cwd=shop.path)
    assert (run.returncode, run.stderr) == (0, "")
    assert "0 changed functions in 0 files" in run.stdout


def test_configuration_of_the_repository_is_used(themis: Themis, shop: Any) -> None:
    shop.write(".themis.toml", 'exclude = ["cart.py"]\n[axes.security]\nmode = "off"\n')
    run = themis("review", "HEAD", "--format", "json", cwd=shop.path)
    document = json.loads(run.stdout)
    assert document["functions"] == []
    assert [each["path"] for each in document["skipped"]] == ["cart.py"]


# --- --fail-on and exit codes ---------------------------------------------------------------------


def findings(themis: Themis, shop: Any) -> list[dict[str, Any]]:
    """Those of HEAD and of HEAD taken back: one of the two is worse."""
    run = themis("review", "HEAD~1..HEAD", "--format", "json", cwd=shop.path)
    found: list[dict[str, Any]] = json.loads(run.stdout)["findings"]
    return found


def test_fail_on_exits_with_1_from_the_probability_on(themis: Themis, shop: Any) -> None:
    shop.commit("Take it back", cart=BASE)
    there, back = (
        json.loads(themis("review", target, "--format", "json", cwd=shop.path).stdout)["findings"]
        for target in ("HEAD~1", "HEAD")
    )
    target, found = ("HEAD~1", there) if there else ("HEAD", back)
    axis, preference = found[0]["axis"], found[0]["preference"]
    worse = round(1 - preference, 3)
    silent = next(
        axis
        for axis in ("correctness", "readability", "security", "efficiency")
        if axis not in {each["axis"] for each in found}
    )

    def code(*gates: str) -> int:
        options = [part for gate in gates for part in ("--fail-on", gate)]
        return themis("review", target, "--quiet", *options, cwd=shop.path).returncode

    assert code() == 0
    assert code(axis) == 1
    assert code(f"{axis}={worse}") == 1
    assert code(silent) == 0
    assert code(silent, axis) == 1
    if worse < 1:
        assert code(f"{axis}={min(worse + 0.002, 1)}") == 0


def test_without_fail_on_an_axis_in_block_mode_is_the_gate(themis: Themis, shop: Any) -> None:
    shop.commit("Take it back", cart=BASE)
    target = next(
        each
        for each in ("HEAD~1", "HEAD")
        if json.loads(themis("review", each, "--format", "json", cwd=shop.path).stdout)["findings"]
    )
    found = json.loads(themis("review", target, "--format", "json", cwd=shop.path).stdout)
    axis = found["findings"][0]["axis"]
    silent = next(each for each in found["functions"][0]["axes"] if each != axis)
    shop.write(".themis.toml", f'[axes.{axis}]\nmode = "block"\n')
    run = themis("review", target, "--format", "sarif", cwd=shop.path)
    assert run.returncode == 1
    levels = [each["level"] for each in json.loads(run.stdout)["runs"][0]["results"]]
    assert levels.count("error") == 1
    assert themis("review", target, "--fail-on", silent, "--quiet", cwd=shop.path).returncode == 0
    shop.write(".themis.toml", f'[axes.{axis}]\nmode = "monitor"\n')
    assert themis("review", target, "--quiet", cwd=shop.path).returncode == 0


def test_quiet_prints_findings_only(themis: Themis, shop: Any) -> None:
    run = themis("review", "HEAD", "--quiet", cwd=shop.path)
    lines = run.stdout.splitlines()
    assert len(lines) == len(findings(themis, shop))
    assert all(re.match(r"cart\.py:4: \w+: likely worse than base", line) for line in lines)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["review", "--fail-on", "corectness"], "did you mean correctness?"),
        (["review", "--fail-on", "security=2"], "is not a probability"),
        (["review", "--fail-on", "security=x"], "is not a probability"),
        (["review", "--formt", "json"], "--format"),
        (["review", "--format", "yaml"], "'terminal', 'json', 'markdown'"),
        (["review", "a", "b", "c"], "At most two targets"),
        (["review", "a", "b"], "a range of commits is written A...B"),
        (["review", "--staged", "HEAD"], "exclude one another"),
        (["review", "--base-dir", "."], "give both"),
        (["review", "--patch", "no.patch"], "cannot read the patch no.patch"),
        (["review", "--threads", "-2"], "the command line: threads must be a whole number"),
        (["review", "-C", "nowhere"], "does not exist"),
        (["review", "no-such-branch"], "no-such-branch"),
        (["review", "--output", "no/such/folder/x", "HEAD"], "cannot write"),
        (["review", "--model", "nowhere", "HEAD"], "no model bundle at"),
        (["bench"], "Missing argument"),
        (["bench", "nowhere.jsonl"], "cannot open"),
        (["model", "verify", "nowhere"], "no model bundle at"),
        (["reviw"], "reviw"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_and_input_get_one_line_and_exit_code_2(
    themis: Themis, shop: Any, arguments: list[str], told: str
) -> None:
    run = themis(*arguments, cwd=shop.path)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("themis: ")
    assert run.stderr.count("\n") == 1
    assert told in run.stderr


def test_no_repository_is_said_on_one_line(themis: Themis, tmp_path: Path) -> None:
    run = themis("review", GIT_CEILING_DIRECTORIES=str(tmp_path.parent))
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert "repository" in run.stderr


def test_an_unknown_configuration_key_is_said_on_one_line(themis: Themis, shop: Any) -> None:
    shop.write(".themis.toml", "threds = 2\n")
    run = themis("review", "HEAD", cwd=shop.path)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert "unknown key threds; did you mean threads?" in run.stderr


def test_one_flipped_byte_in_the_bundle_is_named(
    themis: Themis, shop: Any, decided_bundle: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(decided_bundle, broken)
    name = next(iter(sorted(broken.glob("model.onnx*")))).name
    content = bytearray((broken / name).read_bytes())
    content[len(content) // 2] ^= 1
    (broken / name).write_bytes(content)
    run = themis("review", "HEAD", "--model", broken, cwd=shop.path)
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert name in run.stderr


def test_without_onnxruntime_the_extra_is_named(themis: Themis, shop: Any, tmp_path: Path) -> None:
    """A module of that name that cannot be imported stands in for its absence."""
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "onnxruntime.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'onnxruntime'\", name='onnxruntime')\n"
    )
    run = themis("review", "HEAD", cwd=shop.path, PYTHONPATH=str(tmp_path / "hidden"))
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1)
    assert "onnxruntime" in run.stderr and "cpu" in run.stderr


def test_an_internal_error_exits_with_3_and_says_how_to_see_more(
    themis: Themis, shop: Any, tmp_path: Path
) -> None:
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "tree_sitter.py").write_text("raise RuntimeError('on purpose')\n")
    short = themis("review", "HEAD", cwd=shop.path, PYTHONPATH=str(tmp_path / "hidden"))
    assert (short.returncode, short.stdout, short.stderr.count("\n")) == (3, "", 1)
    assert "RuntimeError: on purpose (THEMIS_DEBUG=1 shows the traceback" in short.stderr
    long = themis(
        "review", "HEAD", cwd=shop.path, PYTHONPATH=str(tmp_path / "hidden"), THEMIS_DEBUG="1"
    )
    assert long.returncode == 3
    assert "Traceback (most recent call last)" in long.stderr


def test_a_reader_that_stops_early_is_no_error(decided_bundle: Path, shop: Any) -> None:
    """As with `| head -1`: the pipe is closed long before the report is written."""
    process = subprocess.Popen(
        [sys.executable, "-m", "review_cli", "review", "HEAD", "--no-cache", "--format", "json"],
        cwd=shop.path,
        env=os.environ | {"THEMIS_MODEL": str(decided_bundle)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 0


def test_interrupting_exits_with_130(decided_bundle: Path, shop: Any) -> None:
    """The patch comes from a pipe that never ends, so the command waits in a known place."""
    process = subprocess.Popen(
        [sys.executable, "-m", "review_cli", "review", "--patch", "-"],
        cwd=shop.path,
        env=os.environ | {"THEMIS_MODEL": str(decided_bundle), "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Who runs the tests in the background has SIGINT ignored, and children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdin is not None
    # more than a pipe holds: once this returns, the command is reading
    process.stdin.write(b"x" * 200_000)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in told


# --- the other commands ---------------------------------------------------------------------------


def test_config_show_prints_every_value_and_its_origin(themis: Themis, shop: Any) -> None:
    file = shop.write(".themis.toml", "threads = 3\n")
    run = themis("config", "show", "-C", shop.path)
    lines = {line.split()[0]: line.split()[1:] for line in run.stdout.splitlines()}
    assert lines["threads"] == ["3", str(file)]
    assert lines["honesty_check"] == ["true", "default"]
    assert lines["model"][-2:] == ["environment", "THEMIS_MODEL"]
    assert "axes.security.worse_at" in lines


def test_config_schema_prints_the_schema(themis: Themis) -> None:
    run = themis("config", "schema")
    jsonschema.Draft202012Validator.check_schema(json.loads(run.stdout))
    assert "axes" in json.loads(run.stdout)["properties"]


def test_model_info_says_what_it_is_and_when_it_speaks(themis: Themis) -> None:
    run = themis("model", "info")
    assert (run.returncode, run.stderr) == (0, "")
    assert re.search(r"^name +tiny-qwen2$", run.stdout, re.MULTILINE)
    assert re.search(r"^  correctness +50 % +50 %  functional correctness$", run.stdout, re.M)


def test_model_verify_scores_the_probe(themis: Themis, decided_bundle: Path) -> None:
    run = themis("model", "verify", decided_bundle)
    assert (run.returncode, run.stderr) == (0, "")
    assert "is as it was exported" in run.stdout


def test_model_verify_finds_a_probe_that_scores_otherwise(
    themis: Themis, decided_bundle: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(decided_bundle, other)
    manifest = json.loads((other / "manifest.json").read_text())
    manifest["probe"]["rewards"]["Readability"] += 1
    (other / "manifest.json").write_text(json.dumps(manifest))
    run = themis("model", "verify", other)
    assert (run.returncode, run.stderr.count("\n")) == (2, 1)
    assert "Readability" in run.stderr


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    records = [
        {
            "input": "Make it better",
            "chosen": f"def f():\n    return {n}\n",
            "rejected": f"def f():\n    x = {n}\n    return x\n",
            "language": "Python",
            "aspect": "Readability" if n % 2 else "Functional_Correctness",
            "source": f"org/repo{n}@abc",
        }
        for n in range(8)
    ]
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(json.dumps(each) + "\n" for each in records))
    return file


def test_bench_prints_json_with_the_bundle_and_the_figures(themis: Themis, pairs: Path) -> None:
    run = themis("bench", pairs, "--json")
    assert (run.returncode, run.stderr) == (0, "")
    document = json.loads(run.stdout)
    assert document["bundle"]["name"] == "tiny-qwen2"
    assert document["overall"]["n"] == 8
    assert document["aspect"]["Readability"]["n"] == 4
    assert document["overall"]["size_only_baseline"] == 0.0  # chosen is always the shorter side
    limited = json.loads(themis("bench", pairs, pairs, "--limit", "3", "--json").stdout)
    assert limited["overall"]["n"] == 6


def test_bench_never_cuts_a_figure_in_a_pipe(themis: Themis, pairs: Path) -> None:
    table = themis("bench", pairs).stdout
    assert "…" not in table
    assert all(heading in table.splitlines()[0] for heading in (" n ", "LBA", "ECE", "at 25 %"))


def test_bench_prints_a_table_for_people(themis: Themis, pairs: Path) -> None:
    run = themis("bench", pairs)
    head, overall = run.stdout.splitlines()[:2]
    assert head.split()[:6] == ["n", "accuracy", "LBA", "size", "ECE", "at"]
    assert overall.split()[:2] == ["all", "8"]
    assert any(line.startswith("  Readability") for line in run.stdout.splitlines())
    assert run.stdout.splitlines()[-1].startswith("8 pairs; model tiny-qwen2 (")


# --- start-up -------------------------------------------------------------------------------------


def test_help_and_version_import_nothing_heavy() -> None:
    for arguments in (["--help"], ["--version"], ["review", "--help"], ["bench", "--help"]):
        run = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "review_cli", *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        names = re.findall(r"^import time:.*\| +(\S+)$", run.stderr, flags=re.MULTILINE)
        imported = {name.split(".")[0] for name in names}
        assert "click" in imported
        heavy = {"numpy", "onnxruntime", "git", "rich", "tree_sitter", "tokenizers", "sqlite3"}
        assert imported & heavy == set()


def test_themis_alone_shows_the_help_as_bad_usage(themis: Themis) -> None:
    run = themis()
    assert run.returncode == 2
    assert "Usage: themis" in run.stderr
