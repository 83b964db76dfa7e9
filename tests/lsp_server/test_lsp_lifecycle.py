"""What happens around a document: saving, renaming, deleting, repositories that come and go, things
that are missing, and changes of thousands of files.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from git_repository import GitRepository
from lsp_sessions import Session, eventually, plain, pushed_to, session, until, within
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

BASE = "def load(path):\n    check = very_safe(path)\n    return open(path)\n"
WORSE = BASE.replace("very_safe", "not_safe")
TOTAL = "\n\ndef total(items):\n    return very_fast(items)\n"
SLOW = TOTAL.replace("very_fast", "not_fast")


def told(opened: Session, file: Path, kind: lsp.FileChangeType) -> None:
    event = lsp.FileEvent(file.as_uri(), kind)
    opened.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))


@pytest.mark.asyncio
async def test_on_saving_what_was_said_stays_until_its_function_is_edited(
    repository: GitRepository,
) -> None:
    repository.commit("base", cart=BASE + TOTAL)
    async with session(repository.path, settings={"run": "onSave"}) as opened:
        uri = opened.open(repository.path / "cart.py", WORSE + SLOW)
        both = ["Themis: security worse, P >99 %", "Themis: efficiency worse, P >99 %"]
        assert await opened.lenses(uri) == both
        opened.change(uri, "# a comment\n\n" + WORSE + SLOW)
        assert await opened.lenses(uri) == both
        assert [each.range.start.line for each in await opened.found(uri)] == [3, 8]
        assert "| security | **worse** |" in (await opened.hover(uri, 3) or "")
        _, back, *_ = await opened.actions(uri, 3)
        assert back.edit is not None and back.edit.document_changes
        opened.change(uri, "# a comment\n\n" + BASE + SLOW)
        assert await opened.lenses(uri) == both[1:]
        assert await opened.hover(uri, 3) is None  # of what was edited nothing is said
        assert [each.code for each in await opened.found(uri)] == ["efficiency"]
        opened.save(uri)
        assert await opened.lenses(uri) == both[1:]


@pytest.mark.asyncio
async def test_in_quiet_mode_nothing_is_scored_unasked_and_what_was_asked_for_stays(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit("base", cart=BASE + TOTAL)
    log = tmp_path / "scored.log"
    quiet = {"run": "manual"}
    async with session(repository.path, settings=quiet, FAKE_LOG=str(log)) as opened:
        uri = opened.open(repository.path / "cart.py", WORSE + TOTAL)
        opened.change(uri, WORSE + SLOW)
        opened.save(uri)
        told(opened, repository.path / ".git" / "index", lsp.FileChangeType.Changed)
        assert await opened.lenses(uri) == []
        assert not log.exists()
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
        await opened.ask("themis/reviewRange", {"textDocument": {"uri": uri}, "range": whole})
        scored = log.read_text("utf-8")
        assert len(await opened.lenses(uri)) == 2
        opened.change(uri, "import os\n\n\n" + WORSE + SLOW)
        assert len(await opened.lenses(uri)) == 2
        opened.client.set_configuration(quiet | {"severity": "hint"}, section="themis")
        opened.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))
        found = await eventually(
            lambda: opened.found(uri),
            lambda items: {each.severity for each in items} == {lsp.DiagnosticSeverity.Hint},
        )
        assert len(found) == 2
        told(opened, repository.path / ".git" / "index", lsp.FileChangeType.Changed)
        assert await eventually(lambda: opened.lenses(uri), lambda lenses: not lenses) == []
        assert log.read_text("utf-8") == scored


@pytest.mark.asyncio
async def test_every_hunk_of_a_finding_is_pointed_at(repository: GitRepository) -> None:
    """A line changed, two added, and the first of the function's lines taken away."""
    body = [f"    step_{at} = {at}" for at in range(12)]
    base = "\n".join(["def load(path):", "    very_safe(path)", *body, "    return path"]) + "\n"
    lines = base.split("\n")
    lines[1] = "    not_safe(path)"
    lines[8:8] = ["    more = 1", "    less = 2"]
    del lines[14]
    repository.commit("base", cart=base)
    async with session(repository.path) as opened:
        (found,) = await opened.found(opened.open(repository.path / "cart.py", "\n".join(lines)))
        related = [
            (each.message, str(each.location.range)) for each in found.related_information or ()
        ]
    assert related == [
        ("since base: 1 line changed", "1:4-1:18"),
        ("since base: 2 lines added", "8:4-9:12"),
        ("since base: 1 line removed here", f"14:4-14:{len(lines[14])}"),
    ]


@pytest.mark.asyncio
async def test_the_versions_of_a_file_on_branches_are_ranked(repository: GitRepository) -> None:
    repository.commit("base", cart=BASE + TOTAL)
    repository.git("checkout", "--quiet", "-b", "topic")
    repository.commit("worse", cart=WORSE + SLOW)
    repository.git("checkout", "--quiet", "-b", "renamed")
    repository.git("mv", "cart.py", "basket.py")
    repository.commit("moved")
    repository.git("checkout", "--quiet", "-b", "short", "topic")
    repository.commit("less", cart=BASE)
    repository.git("checkout", "--quiet", "main")
    async with session(repository.path) as opened:
        text = BASE.replace("very_safe", "very_safe, very_safe") + TOTAL
        uri = opened.open(repository.path / "cart.py", text)
        document = {"uri": uri}

        async def ranked(**asked: Any) -> Any:
            answer = await opened.ask("themis/rank", {"textDocument": document, **asked})
            return answer, {each["axis"]: each["groups"] for each in answer["axes"]}

        answer, groups = await ranked(revisions=["main", "topic"], texts=["nothing"])
        assert answer["candidates"] == ["open document", "main", "topic", "text 1"]
        assert answer["function"] is None
        assert groups["security"] == [[0], [1], [3], [2]]
        answer, groups = await ranked(revisions=["topic"], position={"line": 5, "character": 0})
        assert answer["function"] == "total"
        assert groups["efficiency"] == [[0], [1]]
        assert groups["security"] == [[0, 1]]  # of the other function nothing was read

        total = {"line": 5, "character": 0}
        for asked, message in (
            ({"revisions": ["nowhere"]}, "unknown revision 'nowhere'.*see git branch --all"),
            ({"revisions": ["renamed"]}, "renamed has no cart.py; name a revision that has it"),
            ({"revisions": ["short"], "position": total}, "short has no function total"),
            ({"revisions": ["topic"], "position": {"line": 3, "character": 0}}, "in no function"),
            ({"revisions": ["topic"], "position": {"line": "x"}}, "position must have a line"),
            ({"revisions": "topic"}, "revisions must be a list of texts"),
            ({"revisions": []}, "two texts or more, or revisions name some versions"),
        ):
            with pytest.raises(JsonRpcException, match=message):
                await ranked(**asked)
        with pytest.raises(JsonRpcException, match="is not an open file"):
            document["uri"] = uri + "x"
            await ranked(revisions=["topic"])


@pytest.mark.asyncio
async def test_a_renamed_document_is_compared_with_what_it_was(repository: GitRepository) -> None:
    """Editors open the new name before or after the file is moved, and tell of the move last."""
    repository.commit("base", cart=BASE + TOTAL)
    cart, basket = repository.path / "cart.py", repository.path / "basket.py"
    async with session(repository.path) as opened:
        offered = opened.answer.capabilities.workspace
        assert offered is not None and offered.file_operations is not None
        assert offered.file_operations.did_rename is not None
        old = opened.open(cart, WORSE + TOTAL)
        assert len(await opened.found(old)) == 1
        opened.close(old)
        new = opened.open(basket, WORSE + TOTAL)
        assert await opened.found(new) == []  # a new file has no base
        cart.rename(basket)
        renames = lsp.RenameFilesParams([lsp.FileRename(old, new)])
        opened.client.workspace_did_rename_files(renames)
        assert [each.code for each in await opened.found(new)] == ["security"]

        # Its folder goes while it is open: there is nothing to say, and nothing is said.
        folder = repository.path / "deep"
        folder.mkdir()
        deep = opened.open(repository.write("deep/a.py", BASE))
        await opened.found(deep)
        shutil.rmtree(folder)
        deletes = lsp.DeleteFilesParams([lsp.FileDelete(folder.as_uri())])
        opened.client.workspace_did_delete_files(deletes)
        opened.change(deep, WORSE)
        assert await opened.found(deep) == []
        assert opened.messages == []


@pytest.mark.asyncio
async def test_of_deleted_files_nothing_is_said_any_more(repository: GitRepository) -> None:
    repository.commit("base", cart=BASE, login=BASE)
    cart, login = (repository.write(f"{name}.py", WORSE) for name in ("cart", "login"))
    wanted = {"scope": "changedFiles"}
    async with session(repository.path, capabilities=pushed_to(), settings=wanted) as opened:
        await opened.published(cart.as_uri())
        await opened.published(login.as_uri())
        cart.unlink()
        deletes = lsp.DeleteFilesParams([lsp.FileDelete(cart.as_uri())])
        opened.client.workspace_did_delete_files(deletes)
        await opened.published(cart.as_uri(), lambda items: not items)
        assert len(opened.client.diagnostics[login.as_uri()]) == 1


@pytest.mark.asyncio
async def test_a_repository_vanishes_and_appears_again(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit("base", cart=BASE)
    head, away = repository.path / ".git" / "HEAD", tmp_path / "away"
    async with session(repository.path) as opened:
        uri = opened.open(repository.path / "cart.py", WORSE)
        assert len(await opened.found(uri)) == 1
        (repository.path / ".git").rename(away)
        told(opened, head, lsp.FileChangeType.Deleted)
        await eventually(lambda: opened.found(uri), lambda found: not found)
        opened.change(uri, WORSE + "# more\n")
        assert await opened.found(uri) == []
        (message,) = opened.messages
        assert "is in no git repository" in message
        assert (await opened.ask("themis/status"))["state"] == "problem"

        repository.git("init", "--quiet", "--initial-branch", "main")
        told(opened, head, lsp.FileChangeType.Created)
        status = await eventually(
            lambda: opened.ask("themis/status"), lambda status: status["state"] == "ready"
        )
        assert status["problem"] is None
        repository.commit("base", cart=BASE)
        told(opened, head.with_name("index"), lsp.FileChangeType.Changed)
        await eventually(lambda: opened.found(uri))
        assert len(opened.messages) == 1


def globs(opened: Session) -> list[Any]:
    """What the server asked last to be watched, of what is not matched by name anywhere."""
    asked = [each for each in opened.registered if each.method.endswith("didChangeWatchedFiles")]
    options = plain(asked[-1].register_options)
    patterns = [each["globPattern"] for each in options["watchers"]]
    return [each for each in patterns if not str(each).startswith("**/.")]


@pytest.mark.asyncio
async def test_a_commit_is_noticed_from_a_part_of_a_repository_and_in_a_worktree(
    repository: GitRepository, tmp_path: Path
) -> None:
    """There HEAD and index are outside of the workspace's folders."""
    repository.commit("base", **{"part/cart": BASE})
    repository.git("worktree", "add", "--quiet", "-b", "topic", str(tmp_path / "tree"))
    tree = GitRepository(tmp_path / "tree")
    head = repository.path / ".git" / "worktrees" / "tree" / "HEAD"
    async with session(repository.path / "part", tree.path) as opened:
        await until(lambda: opened.registered)
        outside = [
            {"baseUri": folder.as_uri(), "pattern": "{HEAD,index}"}
            for folder in (repository.path / ".git", head.parent)
        ]
        assert globs(opened) == ["**/pyproject.toml", *outside]
        for root, file in (
            (repository, repository.path / ".git" / "index"),
            (tree, head),
        ):
            uri = opened.open(root.path / "part" / "cart.py", WORSE)
            assert len(await opened.found(uri)) == 1
            root.write("part/cart.py", WORSE)
            root.commit("it is the base now")
            told(opened, file, lsp.FileChangeType.Changed)
            await eventually(lambda uri=uri: opened.found(uri), lambda found: not found)

        opened.client.set_configuration({"scope": "changedFiles"}, section="themis")
        opened.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))
        await until(lambda: len(globs(opened)) == 4)
        assert "ipynb" not in globs(opened)[1]
        assert ",py," in globs(opened)[1]


@pytest.mark.asyncio
async def test_without_git_one_message_says_what_to_do(repository: GitRepository) -> None:
    repository.commit("base", cart=BASE, login=BASE)
    async with session(repository.path, PATH="") as opened:
        for name in ("cart", "login"):
            uri = opened.open(repository.path / f"{name}.py", WORSE)
            assert await opened.found(uri) == []
        assert opened.messages == ["Themis: git cannot be run; install it and put it on the PATH"]


@pytest.mark.asyncio
async def test_a_worker_above_the_memory_limit_is_replaced_and_cleared_rewards_are_made_anew(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit("base", cart=BASE)
    log = tmp_path / "scored.log"
    settings = {"memoryMegabytes": 100}
    environment = {"FAKE_MEGABYTES": "150", "FAKE_LOG": str(log)}
    async with session(repository.path, settings=settings, **environment) as opened:
        uri = opened.open(repository.path / "cart.py", WORSE)
        assert len(await opened.found(uri)) == 1
        status = await opened.ask("themis/status")
        assert status["worker"]["pid"] is None  # it had more than it may, and is gone

        opened.client.set_configuration({"memoryMegabytes": 1000}, section="themis")
        opened.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))
        status = await eventually(
            lambda: opened.ask("themis/status"), lambda status: status["worker"]["residentBytes"]
        )
        assert 150 * 2**20 < status["worker"]["residentBytes"] < 1000 * 2**20
        assert len(await opened.found(uri)) == 1

        scored = len(log.read_text("utf-8").splitlines())
        await opened.ask("themis/clearCache")
        assert len(await opened.found(uri)) == 1
        assert len(log.read_text("utf-8").splitlines()) == scored + 2  # both sides


@pytest.mark.asyncio
async def test_a_thousand_changed_files_hold_up_nobody_who_types(
    repository: GitRepository,
) -> None:
    """All of 1,000 changed files is asked for; a document opened meanwhile is judged before."""
    names = [f"f{at:04}" for at in range(1000)]
    repository.commit("base", cart=BASE, **dict.fromkeys(names, BASE))
    for name in names:
        repository.write(f"{name}.py", WORSE)
    async with session(repository.path, FAKE_SECONDS="0.0005") as opened:
        await opened.found(opened.open(repository.path / "f0000.py"))  # the worker is awake
        everything = asyncio.ensure_future(opened.ask("themis/reviewWorkspace"))
        await asyncio.sleep(0.2)
        assert len(await opened.found(opened.open(repository.path / "cart.py", WORSE))) == 1
        assert not everything.done()
        (answer,) = (await within(everything))["reports"]
        assert len(answer["report"]["findings"]) == 1000


def test_without_its_extra_the_command_says_how_to_install_it() -> None:
    code = "import sys; sys.modules['pygls'] = None; from lsp_server.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode != 0
    assert "pip install 'themis-review[lsp]'" in run.stderr
    assert "Traceback" not in run.stderr
