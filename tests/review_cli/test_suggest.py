"""`themis suggest` with ruff on a real repository, a real (random) model, and bad commands."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from review_cli.fixing import run_fixes
from review_cli.main import cli
from review_core import command
from review_core.errors import InputError
from review_core.sources.filters import DEFAULT_LIMITS

Themis = Callable[..., subprocess.CompletedProcess[str]]

RUFF = f"{shlex.quote(sys.executable)} -m ruff check --fix --unsafe-fixes --quiet {{file}}"
# What ruff's SIM and C4 rules mend, a function each; ruff.toml switches them on.
FUNCTIONS = [
    "def known(items, key):\n    return key in items.keys()\n",
    "def twice(items):\n    return list([item * 2 for item in items])\n",
    "def table(items):\n    return dict([(item, 1) for item in items])\n",
    "def negated(a, b):\n    return not a == b\n",
    "def unlike(a, b):\n    return not a != b\n",
    "def names(items):\n    return set([item.name for item in items])\n",
    "def ready(flag):\n    return True if flag else False\n",
]
SHOP = "\n\n".join(FUNCTIONS)


@pytest.fixture
def shop(repository: Any) -> Any:
    """A repository whose model has a word on correctness alone, so that it never contradicts."""
    repository.write("ruff.toml", '[lint]\nselect = ["SIM", "C4"]\n')
    off = "".join(f'[axes.{axis}]\nmode = "off"\n' for axis in ("readability", "security"))
    repository.write(".themis.toml", off)
    repository.commit("Begin", **{"lib/shop": SHOP})
    repository.write("lib/shop.py", SHOP + "\n\nLAST = 1\n")
    return repository


def test_fixes_of_ruff_are_kept_function_by_function_and_the_diff_is_what_is_written(
    themis: Themis, shop: Any
) -> None:
    before = (shop.path / "lib/shop.py").read_text()
    run = themis("suggest", "--fix", RUFF, "--format", "json", cwd=shop.path)
    assert (run.returncode, run.stderr) == (0, "")
    found = json.loads(run.stdout)
    schema = resources.files("review_core").joinpath("schemas/suggestions.schema.json").read_text()
    jsonschema.validate(found, json.loads(schema))
    assert all(each["functions"] for each in found["refused"]), found["refused"]
    names = {each["functions"][0]["name"] for each in (*found["kept"], *found["refused"])}
    assert len(names) >= 5
    assert found["kept"]
    assert found["refused"]
    assert all(each["raises"] == ["correctness"] for each in found["kept"])
    assert all("lowers correctness" in each["reason"] for each in found["refused"])
    assert (shop.path / "lib/shop.py").read_text() == before

    bare = themis("suggest", "--fix", RUFF, "--format", "diff", "-C", shop.path)
    assert bare.stdout == found["diff"]
    page = themis("suggest", "lib", "--fix", RUFF, "--apply", cwd=shop.path)
    assert (page.returncode, page.stderr) == (0, "")
    kept, refused = len(found["kept"]), len(found["refused"])
    assert page.stdout.splitlines()[-1] == f"{kept} kept, {refused} not; 1 file written"
    written = (shop.path / "lib/shop.py").read_text()
    (shop.path / "lib/shop.py").write_text(before)
    shop.git("apply", "-", stdin=bare.stdout.encode())
    assert (shop.path / "lib/shop.py").read_text() == written != before
    for each in found["refused"]:
        name = each["functions"][0]["name"]
        assert next(text for text in FUNCTIONS if f"def {name}(" in text) in written


def test_patches_are_tried_one_by_one(themis: Themis, shop: Any) -> None:
    """Of a change and its opposite one is better: here, one of the two that apply or neither."""
    shop.write("lib/shop.py", SHOP)
    for name, old, new in (
        ("1.patch", "item * 2", "item + item + item * 0"),
        ("2.patch", "not a == b", "a != b"),
    ):
        shop.write("lib/shop.py", SHOP.replace(old, new))
        shop.write(f"fixes/{name}", shop.git("diff", "HEAD", "--", "lib/shop.py") + "\n")
    shop.write("lib/shop.py", SHOP)
    shop.write("fixes/3.patch", (shop.path / "fixes/1.patch").read_text().replace("[item", "[it"))
    shop.write("fixes/4.patch", "nothing\n")
    run = themis("suggest", "--patches", "fixes", "--format", "json", cwd=shop.path)
    assert (run.returncode, run.stderr) == (0, "")
    found = json.loads(run.stdout)
    told = {each["source"]: each["reason"] for each in found["refused"]}
    judged = {each["source"] for each in found["kept"]} | told.keys()
    assert judged == {"1.patch", "2.patch", "3.patch", "4.patch"}
    assert told["3.patch"].startswith("does not apply: ")
    assert told["4.patch"].startswith("does not apply: the patch names no changed file")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Give a --fix command"),
        (["--fix", "ruff check"], "has no {file}"),
        (["--fix", "no-such-tool {file}"], "no-such-tool of --fix is not installed"),
        (["--fix", "'ruff {file}"], "cannot be read"),
        (["--patches", "nowhere"], "holds no *.patch"),
        (["HEAD", "--patches", "."], "patches name their own"),
        (["no-such-branch", "--fix", "true {file}"], "unknown revision"),
        (["ruff.toml", "--fix", "true {file}"], "names no file that Themis reads"),
        (["--timeout", "0", "--fix", "true {file}"], "--timeout"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_gets_one_line_and_exit_code_2(
    shop: Any, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = command.run(cli, "themis", ["suggest", "-C", str(shop.path), *arguments])
    out, error = capsys.readouterr()
    assert (code, out) == (2, "")
    assert error.count("\n") == 1
    assert told in error


# --- commands -------------------------------------------------------------------------------------


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", f"import sys; file = sys.argv[1]; {code}", "{file}"])


def made_of(tmp_path: Path, words: str, time_limit: float = 30) -> str | None:
    """The reason why a command came to nothing; None if it did not."""
    tmp_path.joinpath("cart.py").write_text("x = 1\n")
    files = {"cart.py": b"x = 1\n"}
    made = run_fixes([words], tmp_path, files, DEFAULT_LIMITS, time_limit)
    assert tmp_path.joinpath("cart.py").read_text() == "x = 1\n"
    assert len(made.fixes) + len(made.failed) == 1
    return made.failed[0].reason if made.failed else None


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("open(file, 'a').write('y = 2')", None),
        ("open(file, 'a').write('y = 2'); sys.exit(1)", None),
        ("pass", "changes nothing"),
        ("sys.exit('no') if 0 else sys.exit(2)", "the command failed with exit code 2"),
        ("print('bad rule', file=sys.stderr); sys.exit(3)", "exit code 3: bad rule"),
        ("import os; os.unlink(file)", "the file is cannot be read"),
        ("import os; os.unlink(file); os.symlink('/etc/passwd', file)", "a symbolic link"),
        ("open(file, 'wb').write(bytes([255, 254]))", "not valid UTF-8"),
    ],
)
def test_a_command_is_judged_by_what_it_leaves(
    code: str, reason: str | None, tmp_path: Path
) -> None:
    found = made_of(tmp_path, python(code))
    assert found is None if reason is None else reason in (found or "")


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    started = "import subprocess; subprocess.Popen(['sleep', '60']).wait()"
    assert made_of(tmp_path, python(started), time_limit=0.5) == "timed out after 0.5 s"


def test_a_command_finds_the_configuration_above_its_file_and_touches_no_file_of_the_user(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "cart.py").write_text("x = 1\n")
    (tmp_path / "setting.toml").write_text("y = 2\n")
    (tmp_path / "secret").symlink_to("/etc/passwd")
    (tmp_path / "node_modules").mkdir()
    code = (
        "import os; top = os.path.dirname(os.path.dirname(file)); assert os.getcwd() == top; "
        "assert sorted(os.listdir(top)) == ['a', 'node_modules', 'setting.toml'], os.listdir(top); "
        "open(file, 'a').write(open(top + '/setting.toml').read()); "
        "open(top + '/setting.toml', 'w').write('gone')"
    )
    files = {"a/cart.py": b"x = 1\n"}
    made = run_fixes([python(code)], tmp_path, files, DEFAULT_LIMITS, 30)
    assert [file.head for fix in made.fixes for file in fix.files] == ["x = 1\ny = 2\n"]
    assert (tmp_path / "setting.toml").read_text() == "y = 2\n"


def test_a_program_that_is_no_program_is_an_error_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not installed"):
        run_fixes(["nowhere {file}"], tmp_path, {}, DEFAULT_LIMITS, 1)
