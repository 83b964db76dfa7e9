"""How a server lives: other clients and settings, cancelled work, crashes, folders, memory."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from git_repository import GitRepository
from lsp_sessions import Session, eventually, plain, pushed_to, session, until, within
from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

pytestmark = pytest.mark.asyncio

BASE = "def load(path):\n    check = very_safe(path)\n    return open(path)\n"
WORSE = BASE.replace("very_safe", "not_safe")


def lines_in(log: Path) -> int:
    return len(log.read_text("utf-8").splitlines()) if log.exists() else 0


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "zombie" not in Path(f"/proc/{pid}/status").read_text("ascii")


async def worker_of(opened: Session) -> int | None:
    status = await opened.ask("themis/status")
    pid = status["worker"]["pid"]
    assert pid is None or isinstance(pid, int)
    return pid


async def test_a_client_that_cannot_ask_is_sent_the_diagnostics_of_each_version(
    repository: GitRepository,
) -> None:
    repository.commit("base", cart=BASE)
    async with session(repository.path, capabilities=pushed_to()) as opened:
        uri = opened.open(repository.path / "cart.py", WORSE)
        (found,) = await opened.published(uri)
        assert found.code == "security"
        opened.change(uri, BASE)
        await opened.published(uri, lambda items: not items)
        opened.change(uri, WORSE)
        await opened.published(uri)
        opened.close(uri)
        await opened.published(uri, lambda items: not items)


async def test_documents_are_reviewed_when_the_settings_say(repository: GitRepository) -> None:
    """On request: never by itself. On saving: once saved, and the client is told to look again."""
    repository.commit("base", cart=BASE)
    file = repository.path / "cart.py"
    async with session(repository.path, settings={"run": "manual"}) as opened:
        uri = opened.open(file, WORSE)
        assert await opened.found(uri) == []
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
        asked = {"textDocument": {"uri": uri}, "range": whole}
        answer = await opened.ask("themis/reviewRange", asked)
        assert len(answer["report"]["findings"]) == 1
        assert len(await opened.found(uri)) == 1  # what was asked for is shown
        opened.change(uri, WORSE + "    # more\n")
        assert await opened.found(uri) == []
        opened.client.set_configuration({"run": "onSave", "severity": "hint"}, section="themis")
        opened.client.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(None))
        (found,) = await eventually(lambda: opened.found(uri))
        assert found.severity is lsp.DiagnosticSeverity.Hint
        opened.change(uri, BASE)
        before = opened.client.diagnostic_refresh_count
        assert await opened.lenses(uri) == []
        opened.save(uri)
        await until(lambda: opened.client.diagnostic_refresh_count > before)
        assert await opened.found(uri) == []


async def test_a_cancelled_review_stops(repository: GitRepository, tmp_path: Path) -> None:
    """200 functions at 50 ms a code are 20 s of work; once cancelled, no more codes are scored."""
    many = "".join(f"def f{at}():\n    return very_safe({at})\n\n\n" for at in range(200))
    repository.commit("base", many=many)
    repository.write("many.py", many.replace("very", "not"))
    log = tmp_path / "scored.log"
    environment = {"FAKE_SECONDS": "0.05", "FAKE_LOG": str(log)}
    async with session(repository.path, **environment) as opened:
        protocol = opened.client.protocol
        future = protocol.send_request("themis/reviewWorkspace", {}, msg_id="mine")
        await until(lambda: lines_in(log) > 3)
        opened.client.cancel_request(lsp.CancelParams("mine"))
        with pytest.raises(JsonRpcException, match="cancel"):
            await within(asyncio.wrap_future(future))
        await until_still(log)

        # The same through the progress that the server shows, and a document comes in between.
        known = set(opened.client.progress_reports)
        future = protocol.send_request("themis/reviewWorkspace", {}, msg_id="again")
        before = lines_in(log)
        await until(lambda: lines_in(log) > before + 3)
        other = opened.open(repository.write("small.py", BASE), BASE)
        assert await opened.found(other) == []  # answered while the rest is under way
        assert not future.done()
        (token,) = set(opened.client.progress_reports) - known
        opened.client.window_work_done_progress_cancel(lsp.WorkDoneProgressCancelParams(token))
        with pytest.raises(JsonRpcException, match="cancel"):
            await within(asyncio.wrap_future(future))
        await until_still(log)


async def until_still(log: Path) -> None:
    """Wait until nothing is written to the log for half a second."""
    async with asyncio.timeout(5):
        while True:
            before = lines_in(log)
            await asyncio.sleep(0.5)
            if lines_in(log) == before:
                return


async def test_a_storm_of_cancelled_requests_leaves_a_server_that_answers(
    repository: GitRepository,
) -> None:
    repository.commit("base", cart=BASE)
    async with session(repository.path, FAKE_SECONDS="0.01") as opened:
        uri = opened.open(repository.path / "cart.py", BASE)
        document = lsp.TextDocumentIdentifier(uri)
        requests: dict[str, Any] = {
            lsp.TEXT_DOCUMENT_DIAGNOSTIC: lsp.DocumentDiagnosticParams(document),
            lsp.TEXT_DOCUMENT_CODE_LENS: lsp.CodeLensParams(document),
        }
        asked = []
        for at in range(100):
            opened.change(uri, f"{WORSE}# {at}\n")
            for method, params in requests.items():
                id_ = f"{method}{at}"
                asked.append(opened.client.protocol.send_request(method, params, msg_id=id_))
                opened.client.cancel_request(lsp.CancelParams(id_))
        answers = await within(
            asyncio.gather(*map(asyncio.wrap_future, asked), return_exceptions=True)
        )
        assert len(answers) == 200  # each is answered, whichever way
        assert len(await opened.found(uri)) == 1
        status = await opened.ask("themis/status")
        assert status["jobs"] == 0


async def test_a_worker_that_dies_is_replaced_and_the_review_made_again(
    repository: GitRepository, tmp_path: Path
) -> None:
    repository.commit("base", cart=BASE, bad=BASE)
    log = tmp_path / "scored.log"
    environment = {"FAKE_SECONDS": "0.5", "FAKE_LOG": str(log)}
    async with session(repository.path, **environment) as opened:
        uri = opened.open(repository.path / "cart.py", WORSE)
        pulled = asyncio.ensure_future(opened.found(uri))
        await until(lambda: lines_in(log) > 0)
        first = await worker_of(opened)
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert len(await within(pulled)) == 1
        second = await worker_of(opened)
        assert second not in (None, first)

        # A text that no worker survives is given up, said once, and costs nobody else a verdict.
        bad = opened.open(repository.path / "bad.py", WORSE.replace("open", "crash_worker"))
        assert await opened.found(bad) == []
        assert sum("a review failed" in each for each in opened.messages) == 1
        opened.change(uri, WORSE + "# again\n")
        assert len(await opened.found(uri)) == 1


async def test_a_killed_server_takes_its_worker_along_and_a_new_one_takes_over(
    repository: GitRepository,
) -> None:
    repository.commit("base", cart=BASE)
    file = repository.path / "cart.py"
    async with session(repository.path) as opened:
        uri = opened.open(file, WORSE)
        before = await opened.pull(uri)
        worker = await worker_of(opened)
        assert worker is not None
        os.kill(opened.pid, signal.SIGKILL)
        await until(lambda: not is_alive(worker))
        await until(lambda: not opened.is_running)
    async with session(repository.path) as opened:
        uri = opened.open(file, WORSE)
        after = await opened.pull(uri, before.result_id)
        assert after.kind == "unchanged"  # the same findings have the same name in any server


async def test_folders_have_their_own_configuration_and_trouble_is_said_once(
    repository: GitRepository, tmp_path: Path
) -> None:
    """One folder switches an axis off, one is in no repository, one asks for a model not there."""
    repository.commit("base", cart=BASE, login=BASE)
    quiet = repository.another(tmp_path / "quiet")
    quiet.write(".themis.toml", "[axes.security]\nmode = 'off'\n")
    quiet.commit("base", cart=BASE)
    modelless = repository.another(tmp_path / "modelless")
    modelless.write(".themis.toml", 'model = "nowhere"\n')
    modelless.commit("base", cart=BASE, login=BASE)
    bare = tmp_path / "bare"
    bare.mkdir()
    folders = (repository.path, quiet.path, modelless.path, bare)
    async with session(*folders) as opened:
        found = {
            folder.name: len(await opened.found(opened.open(folder / "cart.py", WORSE)))
            for folder in folders
        }
        assert found == {"repository": 1, "quiet": 0, "modelless": 0, "bare": 0}
        opened.open(bare / "login.py", WORSE)
        await opened.found(opened.open(modelless.path / "login.py", WORSE))
        first, second = sorted(opened.messages)
        assert first.startswith("Themis: ") and "is in no git repository" in first
        assert "no model bundle at" in second and str(modelless.path / "nowhere") in second

        answer = await opened.ask("themis/reviewWorkspace")
        names = [Path(each["folder"]).name for each in answer["reports"]]
        assert names == ["repository", "quiet"]
        assert len(answer["problems"]) == 2

        # A repository appears; the editor sees it.
        made = repository.another(tmp_path / "made")
        made.commit("base", cart=BASE)
        (made.path / ".git").rename(bare / ".git")
        event = lsp.FileEvent((bare / ".git" / "HEAD").as_uri(), lsp.FileChangeType.Created)
        opened.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
        (finding,) = await opened.found((bare / "cart.py").as_uri())
        assert finding.code == "security"

    # What a stranger's configuration names is not loaded.
    async with session(modelless.path, settings={"trusted": False}) as opened:
        assert len(await opened.found(opened.open(modelless.path / "cart.py", WORSE))) == 1


async def test_files_that_are_not_open_are_reported_where_that_is_wanted(
    repository: GitRepository,
) -> None:
    """Sent to one client; another asks, and gets its second answer when there is something new."""
    repository.commit("base", cart=BASE, login=BASE)
    cart = repository.write("cart.py", WORSE)
    login = repository.path / "login.py"
    wanted = {"scope": "changedFiles"}
    async with session(repository.path, capabilities=pushed_to(), settings=wanted) as opened:
        (found,) = await opened.published(cart.as_uri())
        assert found.code == "security"

    async with session(repository.path, settings=wanted) as opened:
        first = await eventually(lambda: workspace_diagnostics(opened, {}))
        assert [(each["kind"], each["uri"]) for each in first] == [("full", cart.as_uri())]
        known = {each["uri"]: each["resultId"] for each in first}
        second = asyncio.ensure_future(workspace_diagnostics(opened, known))
        await asyncio.sleep(0.3)
        assert not second.done()
        login.write_text(WORSE, encoding="utf-8")
        event = lsp.FileEvent(login.as_uri(), lsp.FileChangeType.Changed)
        opened.client.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([event]))
        kinds = {Path(each["uri"]).name: each["kind"] for each in await within(second)}
        assert kinds == {"cart.py": "unchanged", "login.py": "full"}


async def workspace_diagnostics(opened: Session, known: dict[str, str]) -> Any:
    previous = [lsp.PreviousResultId(uri, value) for uri, value in known.items()]
    params = lsp.WorkspaceDiagnosticParams(previous)
    report = await within(opened.client.workspace_diagnostic_async(params))
    return [
        {"kind": each.kind, "uri": each.uri, "resultId": each.result_id} for each in report.items
    ]


async def test_an_idle_model_is_dropped_and_comes_back(repository: GitRepository) -> None:
    repository.commit("base", cart=BASE)
    settings = {"idleMinutes": 0.01}
    async with session(
        repository.path, options={"statusNotifications": True}, settings=settings
    ) as opened:
        states: list[Any] = []
        opened.client.feature("themis/statusChanged")(lambda told: states.append(plain(told)))
        uri = opened.open(repository.path / "cart.py", WORSE)
        assert len(await opened.found(uri)) == 1
        worker = await worker_of(opened)
        assert worker is not None
        await until(lambda: not is_alive(worker))
        assert await worker_of(opened) is None
        opened.change(uri, WORSE + "# more\n")
        assert len(await opened.found(uri)) == 1
        assert [each["state"] for each in states][:2] == ["busy", "ready"]


async def test_settings_that_make_no_sense_are_named(repository: GitRepository) -> None:
    async with session(repository.path, settings={"codelens": True}) as opened:
        await until(lambda: opened.messages)
        assert opened.messages == [
            "Themis: themis.codelens is not a setting; did you mean codeLens?"
        ]
