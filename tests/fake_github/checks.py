"""Endpoints of check runs and suites, with GitHub's limits."""

from __future__ import annotations

from typing import Any

from fake_github import diffs, events
from fake_github.exchange import Answer, Call, Refusal, invalid
from fake_github.world import CheckRun, CheckSuite, Json, Repository, World

MOST_ANNOTATIONS = 50  # a request
LONGEST_TEXT = 65_535  # characters of summary and of text
LONGEST_MESSAGE = 64 * 1024  # bytes of an annotation's message and raw details
LONGEST_TITLE = 255  # characters of an annotation's title
MOST_ACTIONS = 3
_LONGEST_OF_ACTION = {"label": 20, "identifier": 20, "description": 40}


def suite_for(
    world: World, repository: Repository, head_sha: str, branch: str | None
) -> CheckSuite:
    """The app's suite of a commit, made when first needed."""
    for suite in world.check_suites:
        if suite.repository == repository.id and suite.head_sha == head_sha:
            return suite
    now = world.timestamp()
    suite = CheckSuite(world.new_id(), repository.id, head_sha, branch, now, now)
    world.check_suites.append(suite)
    return suite


def create(call: Call) -> Answer:
    asked: dict[str, Any] = call.json or {}
    name, head_sha = call.text("name"), call.text("head_sha")
    folder = call.repository.folder
    if not diffs.git(folder, "rev-parse", "--verify", "-q", head_sha + "^{commit}", check=False):
        raise Refusal(422, "No commit found for SHA: " + head_sha)
    output = _checked(asked)
    branch = next((p.head_ref for p in call.world.pulls if p.head_sha == head_sha), None)
    now = call.world.timestamp()
    run = CheckRun(
        id=call.world.new_id(),
        suite=suite_for(call.world, call.repository, head_sha, branch).id,
        repository=call.repository.id,
        name=name,
        head_sha=head_sha,
        external_id=asked.get("external_id") or "",
        details_url=asked.get("details_url"),
        status="queued",
        conclusion=None,
        started_at=asked.get("started_at") or now,
        completed_at=None,
    )
    _change(call, run, asked, output)
    call.world.check_runs.append(run)
    _announce(call, "created", run)
    return Answer(201, call.shapes.check_run(run))


def update(call: Call) -> Answer:
    run = _run(call)
    asked: dict[str, Any] = call.json or {}
    was = run.status
    _change(call, run, asked, _checked(asked))
    run.updates += 1
    if run.status == "completed" and was != "completed":
        _announce(call, "completed", run)
    return Answer(200, call.shapes.check_run(run))


def _checked(asked: dict[str, Any]) -> Json | None:
    """The output, if it keeps the limits."""
    output: Json | None = asked.get("output")
    for name in ("title", "summary", "text"):
        text = (output or {}).get(name)
        if isinstance(text, str) and len(text) > LONGEST_TEXT:
            raise invalid("CheckRun", name, f"{name} exceeds a maximum of 65535 characters")
    if output is not None and (not output.get("title") or output.get("summary") is None):
        raise Refusal(422, "Invalid request.\n\nTitle and summary are required in output.")
    annotations = (output or {}).get("annotations") or []
    if len(annotations) > MOST_ANNOTATIONS:
        message = f"No more than 50 annotations are allowed; {len(annotations)} were given."
        raise Refusal(422, f"Invalid request.\n\n{message}")
    for annotation in annotations:
        _check_annotation(annotation)
    actions = asked.get("actions") or []
    if len(actions) > MOST_ACTIONS:
        raise Refusal(422, f"Invalid request.\n\nNo more than 3 items are allowed; {len(actions)}")
    for action in actions:
        for name, most in _LONGEST_OF_ACTION.items():
            if not 0 < len(action.get(name, "")) <= most:
                raise Refusal(422, f"Invalid request.\n\n{name} may have {most} characters")
    return output


def _check_annotation(annotation: Json) -> None:
    start, end = annotation["start_line"], annotation["end_line"]
    if end < start or start < 1:
        raise invalid("CheckAnnotation", "end_line", "end_line must not be before start_line")
    if start != end and ("start_column" in annotation or "end_column" in annotation):
        raise invalid("CheckAnnotation", "start_column", "columns need one line")
    if not annotation["message"] or len(annotation["message"].encode()) > LONGEST_MESSAGE:
        raise invalid("CheckAnnotation", "message", "message must have 1 to 65536 bytes")
    if len(annotation.get("title") or "") > LONGEST_TITLE:
        raise invalid("CheckAnnotation", "title", "title is too long (maximum is 255 characters)")


def _change(call: Call, run: CheckRun, asked: dict[str, Any], output: Json | None) -> None:
    for name in ("name", "details_url", "external_id", "started_at"):
        if asked.get(name) is not None:
            setattr(run, name, asked[name])
    if asked.get("status") is not None:
        run.status = asked["status"]
        if run.status != "completed":
            run.conclusion = run.completed_at = None
    if asked.get("conclusion") is not None:  # GitHub: a conclusion completes the run
        run.status, run.conclusion = "completed", asked["conclusion"]
        run.completed_at = asked.get("completed_at") or call.world.timestamp()
    elif asked.get("status") == "completed":
        raise Refusal(422, 'Invalid request.\n\n"conclusion" wasn\'t supplied.')
    if output is not None:
        run.annotations += output.get("annotations") or []
        run.output |= {k: v for k, v in output.items() if k in ("title", "summary", "text")}
    if asked.get("actions") is not None:
        run.actions = asked["actions"]


def _run(call: Call) -> CheckRun:
    wanted = call.number("check_run_id")
    for run in call.world.check_runs:
        if run.id == wanted and run.repository == call.repository.id:
            return run
    raise Refusal(404, "Not Found")


def check_run(call: Call) -> Answer:
    return Answer(200, call.shapes.check_run(_run(call)))


def annotations_of(call: Call) -> Answer:
    run = _run(call)
    page = f"{call.shapes.at.web}/{call.repository.full_name}/blob/{run.head_sha}/file"

    def shape(annotation: Json) -> Json:
        optional = ("start_column", "end_column", "title", "raw_details")
        given = {name: annotation.get(name) for name in optional}
        return annotation | given | {"blob_href": page}

    return call.page(run.annotations, shape)


def runs_of_commit(call: Call) -> Answer:
    """The newest first; by default only the latest of each name, as on GitHub."""
    found = [
        run
        for run in reversed(call.world.check_runs)
        if run.repository == call.repository.id
        and run.head_sha == _sha(call)
        and call.query.get("check_name", run.name) == run.name
        and call.query.get("status", run.status) == run.status
        and call.query.get("app_id", str(call.world.app.id)) == str(call.world.app.id)
    ]
    if call.query.get("filter", "latest") == "latest":
        latest = {run.name: run for run in reversed(found)}
        found = [run for run in found if latest[run.name] is run]
    return call.page_in("check_runs", found, call.shapes.check_run)


def suites_of_commit(call: Call) -> Answer:
    found = [
        suite
        for suite in call.world.check_suites
        if suite.repository == call.repository.id and suite.head_sha == _sha(call)
    ]
    return call.page_in("check_suites", found, call.shapes.check_suite)


def _sha(call: Call) -> str:
    ref = call.names["ref"]
    found = diffs.git(
        call.repository.folder, "rev-parse", "--verify", "-q", ref + "^{commit}", check=False
    ).strip()
    if not found:
        raise Refusal(422, f"No commit found for SHA: {ref}")
    return found


def rerequest_suite(call: Call) -> Answer:
    wanted = call.number("check_suite_id")
    for suite in call.world.check_suites:
        if suite.id == wanted and suite.repository == call.repository.id:
            payload = events.check_suite(call.shapes, suite)
            call.announcer.announce("check_suite", "rerequested", call.repository, payload)
            return Answer(201, {})
    raise Refusal(404, "Not Found")


def rerequest_run(call: Call) -> Answer:
    _announce(call, "rerequested", _run(call))
    return Answer(201, {})


def _announce(call: Call, action: str, run: CheckRun) -> None:
    payload = events.check_run(call.shapes, run)
    call.announcer.announce("check_run", action, call.repository, payload)
