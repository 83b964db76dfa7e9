"""Notebooks over a real session: cells are told one by one, and reviewed as one text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from git_repository import GitRepository
from lsp_sessions import Session, eventually, pushed_to, session
from lsprotocol import types as lsp

pytestmark = pytest.mark.asyncio

SETUP = "import os\n%matplotlib inline\n"
LOAD = 'def load(path):\n    name = "🙂"; check = very_safe(path)\n    return open(path)\n'
TOTAL = "def total(items):\n    return sum(items)\n"


def ipynb(*sources: str) -> str:
    """A notebook's file: a title, then code cells, with outputs that nobody reads."""
    title = {"cell_type": "markdown", "metadata": {}, "source": ["# not_safe"]}
    cells = [
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["not_safe"]}],
            "source": source.splitlines(keepends=True),
        }
        for source in sources
    ]
    metadata = {"kernelspec": {"language": "python"}, "language_info": {"name": "python"}}
    return json.dumps(
        {"cells": [title, *cells], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
    )


class OpenNotebook:
    """A notebook as an editor has it: the title is not told, its language is none of ours."""

    def __init__(self, opened: Session, uri: str, *sources: str) -> None:
        self.client = opened.client
        self.uri, self.version = uri, 1
        self.cells = [f"vscode-notebook-cell:{uri}#W{at}" for at in range(len(sources))]
        notebook = lsp.NotebookDocument(
            uri, "jupyter-notebook", 1, [self.cell(each) for each in self.cells]
        )
        texts = [
            lsp.TextDocumentItem(cell, "python", 1, text)
            for cell, text in zip(self.cells, sources, strict=True)
        ]
        self.client.notebook_document_did_open(lsp.DidOpenNotebookDocumentParams(notebook, texts))

    def cell(self, uri: str) -> lsp.NotebookCell:
        return lsp.NotebookCell(lsp.NotebookCellKind.Code, uri)

    def edit(self, at: int, where: tuple[int, int, int, int], text: str) -> None:
        """Replace a part of a cell, as VS Code tells it."""
        row, column, end_row, end_column = where
        part = lsp.TextDocumentContentChangePartial(
            lsp.Range(lsp.Position(row, column), lsp.Position(end_row, end_column)), text
        )
        document = lsp.VersionedTextDocumentIdentifier(self.version + 1, self.cells[at])
        content = lsp.NotebookDocumentCellContentChanges(document, [part])
        self.change(lsp.NotebookDocumentCellChanges(text_content=[content]))

    def insert(self, at: int, text: str) -> None:
        """Put a new cell in."""
        uri = f"vscode-notebook-cell:{self.uri}#N{self.version}"
        self.cells.insert(at, uri)
        array = lsp.NotebookCellArrayChange(at, 0, [self.cell(uri)])
        item = lsp.TextDocumentItem(uri, "python", 1, text)
        structure = lsp.NotebookDocumentCellChangeStructure(array, did_open=[item])
        self.change(lsp.NotebookDocumentCellChanges(structure=structure))

    def remove(self, at: int) -> None:
        """Take a cell away."""
        uri = self.cells.pop(at)
        array = lsp.NotebookCellArrayChange(at, 1)
        closed = [lsp.TextDocumentIdentifier(uri)]
        structure = lsp.NotebookDocumentCellChangeStructure(array, did_close=closed)
        self.change(lsp.NotebookDocumentCellChanges(structure=structure))

    def change(self, cells: lsp.NotebookDocumentCellChanges) -> None:
        self.version += 1
        self.client.notebook_document_did_change(
            lsp.DidChangeNotebookDocumentParams(
                lsp.VersionedNotebookDocumentIdentifier(self.version, self.uri),
                lsp.NotebookDocumentChangeEvent(cells=cells),
            )
        )

    def save(self) -> None:
        identifier = lsp.NotebookDocumentIdentifier(self.uri)
        self.client.notebook_document_did_save(lsp.DidSaveNotebookDocumentParams(identifier))

    def close(self) -> None:
        closed = [lsp.TextDocumentIdentifier(uri) for uri in self.cells]
        self.client.notebook_document_did_close(
            lsp.DidCloseNotebookDocumentParams(lsp.NotebookDocumentIdentifier(self.uri), closed)
        )


async def found(opened: Session, notebook: OpenNotebook) -> list[list[tuple[Any, str]]]:
    """For each cell its diagnostics: axis and range."""
    return [
        [(each.code, str(each.range)) for each in await opened.found(uri)] for uri in notebook.cells
    ]


async def test_a_notebook_is_reviewed_cell_by_cell_against_its_file_at_base(
    repository: GitRepository,
) -> None:
    repository.write("study.ipynb", ipynb(SETUP, LOAD, TOTAL))
    repository.commit("base")
    uri = (repository.path / "study.ipynb").as_uri()
    async with session(repository.path) as opened:
        sync = opened.answer.capabilities.notebook_document_sync
        assert sync is not None and sync.save
        worse = LOAD.replace("very_safe", "not_safe")
        notebook = OpenNotebook(opened, uri, SETUP, LOAD, TOTAL)
        assert await found(opened, notebook) == [[], [], []]

        # The emoji is two units: "very" starts at column 25, and four characters become three.
        notebook.edit(1, (1, 25, 1, 29), "not")
        line = worse.split("\n")[1]
        where = f"1:4-1:{len(line) + 1}"
        assert await found(opened, notebook) == [[], [("security", where)], []]
        cell = notebook.cells[1]
        assert await opened.lenses(cell) == ["Themis: security worse, P >99 %"]
        assert await opened.lenses(notebook.cells[2]) == []
        assert "| security | **worse** |" in (await opened.hover(cell, 1) or "")
        _, back, ignore, *_ = await opened.actions(cell, 1)
        for action in (back, ignore):
            assert action.edit is not None and action.edit.document_changes
            (change,) = action.edit.document_changes
            assert isinstance(change, lsp.TextDocumentEdit)
            assert (change.text_document.uri, change.text_document.version) == (cell, 2)
        range_ = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        asked = {"textDocument": {"uri": cell}, "range": range_}
        answer = await opened.ask("themis/reviewRange", asked)
        assert [each["path"] for each in answer["report"]["findings"]] == ["study.ipynb"]

        # A cell in front moves the finding's cell, not the finding within it.
        notebook.insert(0, "%%bash\nnot_safe\n")
        notebook.insert(1, "x = 1\ny = 2\n")
        assert await found(opened, notebook) == [[], [], [], [("security", where)], []]
        notebook.remove(3)
        assert await found(opened, notebook) == [[], [], [], []]
        assert opened.messages == []


async def test_a_client_that_cannot_ask_is_sent_what_is_in_each_cell(
    repository: GitRepository,
) -> None:
    """On saving only; what is edited after that is not spoken of until it is saved again."""
    repository.write("study.ipynb", ipynb(LOAD, TOTAL))
    repository.write("new.ipynb", ipynb(LOAD))
    repository.git("add", "study.ipynb")
    repository.git("commit", "--quiet", "--message", "base")
    folder = repository.path.as_uri()
    run = {"run": "onSave"}
    async with session(repository.path, capabilities=pushed_to(), settings=run) as opened:
        notebook = OpenNotebook(opened, f"{folder}/study.ipynb", LOAD, TOTAL)
        notebook.edit(0, (1, 25, 1, 29), "not")
        notebook.save()
        (finding,) = await opened.published(notebook.cells[0])
        assert finding.code == "security"
        notebook.edit(0, (2, 4, 2, 10), "yield")
        await opened.published(notebook.cells[0], lambda items: not items)
        notebook.save()
        await opened.published(notebook.cells[0])
        notebook.close()
        await opened.published(notebook.cells[0], lambda items: not items)

        # A notebook that is not at base, one that is no file, one that is no notebook there.
        other = OpenNotebook(opened, f"{folder}/new.ipynb", LOAD.replace("very", "not"))
        OpenNotebook(opened, "untitled:Untitled-1.ipynb", LOAD)
        other.save()
        status = await eventually(
            lambda: opened.ask("themis/status"), lambda status: status["jobs"] == 0
        )
        assert status["problem"] is None
        assert not opened.client.diagnostics.get(other.cells[0])
        assert opened.messages == []
