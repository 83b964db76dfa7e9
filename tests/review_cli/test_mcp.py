"""`themis-mcp` as an agent talks to it: the SDK's own client, a process, a real repository."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from fake_scorer import FakeScorer
from mcp import Client, StdioServerParameters

from review_cli.agent_tools import Toolbox
from review_cli.mcp_server import _Stoppable
from review_core.config import default_settings
from review_core.errors import InputError

BASE = """\
def total(items):
    amount = 0
    for item in items:
        amount += item.price
    return amount


def shown(items):
    return [item.name for item in items]
"""
HEAD = BASE.replace("amount = 0", "amount = 0.0").replace("return amount", "return round(amount)")

Connect = Callable[..., Any]


@pytest.fixture
def shop(repository: Any) -> Any:
    repository.commit("Add a cart", cart=BASE)
    repository.commit("Count the items", cart=HEAD)
    repository.commit("Take it back", cart=BASE)
    return repository


@pytest.fixture
def connect(decided_bundle: Path, tmp_path: Path) -> Connect:
    """Start the server over stdio, in a folder of its own, and be its client."""

    @asynccontextmanager
    async def session(*roots: Path, **environment: str) -> AsyncIterator[Client]:
        options = [part for root in roots for part in ("--root", str(root))]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        own = {"THEMIS_MODEL": str(decided_bundle), "XDG_CACHE_HOME": str(tmp_path / "cache")}
        server = StdioServerParameters(
            command=sys.executable,
            args=["-m", "review_cli.mcp_server", "--threads", "1", *options],
            env=clean | own | environment,
            cwd=tmp_path,
        )
        async with Client(server, read_timeout_seconds=60) as client:
            yield client

    return session


def text_of(result: Any) -> str:
    return str(result.content[0].text)


@pytest.mark.asyncio
async def test_an_agent_lists_reviews_explains_and_ranks(connect: Connect, shop: Any) -> None:
    """One session does all: the client checks every document against the schema of its tool."""
    before = {path: path.stat().st_mtime_ns for path in shop.path.rglob("*")}
    async with connect(shop.path) as client:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"review_change", "rank_candidates", "explain_finding"}
        assert all(tool.annotations.read_only_hint for tool in tools.values())

        told: list[tuple[float, float | None]] = []

        async def progressed(done: float, total: float | None, message: str | None) -> None:
            told.append((done, total))

        found = []
        for target in ("HEAD~1", "HEAD"):
            review = await client.call_tool(
                "review_change", {"range": target}, progress_callback=progressed
            )
            assert not review.is_error, text_of(review)
            assert [each["name"] for each in review.structured_content["functions"]] == ["total"]
            found += review.structured_content["findings"]
            assert all(
                each["id"] in text_of(review) for each in review.structured_content["findings"]
            )
        assert found  # one of a change and its opposite is worse
        assert told
        assert told[-1][0] == told[-1][1]

        explained = await client.call_tool("explain_finding", {"id": found[0]["id"]})
        document = explained.structured_content
        assert document["axis"] == found[0]["axis"]
        assert document["p_worse"] == pytest.approx(1 - found[0]["preference"], abs=0.002)
        assert document["precision_measured"] == 0.96
        assert document["axis_page"].startswith(f"# {document['axis'].title()}")
        assert "@@" in document["diff"]
        assert len(document["parts"]) == len(found[0]["attribution"]) == 2
        assert "P(worse)" in text_of(explained)

        ranked = await client.call_tool(
            "rank_candidates",
            {
                "base": {"path": "cart.py"},
                "candidates": [{"name": "counted", "text": HEAD}, {"text": BASE}],
            },
        )
        document = ranked.structured_content
        assert document["candidates"] == ["counted", "candidate 2"]
        groups = {tuple(map(tuple, order["groups"])) for order in document["orders"]}
        tied = ("base", "candidate 2")
        assert groups <= {(("counted",), tied), (tied, ("counted",))}

        for tool, arguments, message in (
            ("review_change", {"repository": ".."}, "lies outside of what may be read here"),
            ("review_change", {"range": "nowhere"}, "unknown revision 'nowhere'"),
            ("review_change", {"staged": "yes"}, "staged must be true or false"),
            ("rank_candidates", {"base": {"path": "/etc/hostname"}}, "candidates must be"),
            ("explain_finding", {"id": "0" * 16}, "no review of this session found"),
            ("no_such_tool", {}, "there is no tool no_such_tool"),
        ):
            refused = await client.call_tool(tool, arguments)
            assert refused.is_error, tool
            assert message in text_of(refused)
    assert {path: path.stat().st_mtime_ns for path in shop.path.rglob("*")} == before


@pytest.mark.asyncio
async def test_a_cancelled_call_stops_and_the_session_goes_on(connect: Connect, shop: Any) -> None:
    """Cancelled at its first progress, which is told before anything is computed."""
    async with connect(shop.path) as client:
        with anyio.CancelScope() as scope:

            async def stop(done: float, total: float | None, message: str | None) -> None:
                scope.cancel()

            await client.call_tool(
                "rank_candidates",
                {
                    "base": {"text": BASE},
                    "language": "Python",
                    "candidates": [{"text": HEAD}],
                },
                progress_callback=stop,
            )
        assert scope.cancelled_caught
        review = await client.call_tool("review_change", {"range": "HEAD"})
        assert not review.is_error


def test_the_model_is_asked_to_stop_once_a_call_is_cancelled() -> None:
    asked: list[Any] = []

    class Asks(FakeScorer):
        def rewards(self, codes: Any, **more: Any) -> Any:
            asked.append(more["cancelled"])
            return super().rewards(codes, **more)

    stopped = threading.Event()
    scorer = _Stoppable(Asks(), stopped)
    scorer.rewards(["x"])
    assert not asked[0]()
    stopped.set()
    assert asked[0]()


def test_without_the_sdk_the_command_says_what_to_install(tmp_path: Path) -> None:
    blocked = (
        "import sys; sys.modules['mcp'] = None; sys.argv = ['themis-mcp']; "
        "from review_cli.mcp_server import main; main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", blocked], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "themis-mcp: mcp is not installed; install it with: pip install 'themis-review[mcp]'\n"
    )


# --- without a process ----------------------------------------------------------------------------


def never(*_: Any) -> Any:
    raise AssertionError("the model is opened by the first call that scores")


def toolbox(*roots: Path) -> Toolbox:
    return Toolbox(roots, default_settings(), never)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("../elsewhere", "lies outside"),
        ("/etc", "lies outside"),
        ("link", "lies outside"),
        ("inside\0", "lies outside"),
        ("inside", "is no file"),
    ],
)
def test_paths_stay_below_the_roots_links_followed(path: str, reason: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "inside").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path)
    asked = {"base": {"path": path}, "candidates": [{"text": "x"}]}
    with pytest.raises(InputError, match=reason):
        toolbox(root).rank_candidates(asked, never, never)


def test_a_repository_that_begins_above_the_root_is_not_read(repository: Any) -> None:
    repository.commit("Begin", **{"lib/cart": BASE, "secret": HEAD})
    with pytest.raises(InputError, match="lies outside"):
        toolbox(repository.path / "lib").review_change({"range": "HEAD"}, never, never)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"base": {}, "candidates": [{"text": "x"}]}, "either a text or a path"),
        ({"base": {"text": "x"}, "candidates": [{"text": "y"}]}, "one of C, "),
        ({"base": {"text": "x"}, "candidates": []}, "must be a list"),
        ({"base": {"text": 1}, "candidates": [{"text": "y"}], "language": "Go"}, "must be a text"),
        (
            {
                "base": {"text": "x"},
                "language": "Python",
                "candidates": [{"text": "y", "name": "a"}, {"text": "z", "name": "a"}],
            },
            "two versions are called a",
        ),
        (
            {"base": {"text": "x"}, "language": "Python", "candidates": [{"text": "\0"}]},
            "cannot be compared: binary",
        ),
    ],
)
def test_bad_arguments_are_told_in_one_line(
    asked: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=reason):
        toolbox(tmp_path).rank_candidates(asked, never, never)


@pytest.mark.asyncio
async def test_the_configuration_of_a_repository_names_no_model_and_no_cache(
    connect: Connect, shop: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "planted"
    shop.write(".themis.toml", f'model = "nowhere"\n[cache]\ndirectory = "{folder}"\n')
    async with connect(shop.path) as client:
        review = await client.call_tool("review_change", {"range": "HEAD"})
        assert not review.is_error, text_of(review)
    assert not folder.exists()
