"""The notebooks that an editor has open. pygls keeps them too, but splits lines at form feeds, and
takes a part of a cell for the whole where documents are sent whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from lsprotocol import types as lsp

from lsp_server.notebook_text import (
    LANGUAGE_IDS,
    CodeCell,
    NotebookText,
    language_of_cells,
    notebook_text,
)
from lsp_server.positions import Units, with_edit
from review_core.languages import Language

SYNC = lsp.NotebookDocumentSyncOptions(
    [
        lsp.NotebookDocumentFilterWithNotebook(
            lsp.NotebookDocumentFilterNotebookType("jupyter-notebook"),
            [lsp.NotebookCellLanguage(each) for each in LANGUAGE_IDS],
        )
    ],
    save=True,
)
"""Which notebooks and cells editors tell us of."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as an editor has it."""

    uri: str
    version: int
    code: CodeCell


@dataclass(frozen=True)
class Notebook:
    """An open notebook: its code cells, in order."""

    uri: str
    version: int
    cells: tuple[Cell, ...]

    @cached_property
    def language(self) -> Language | None:
        """The language that is reviewed, if there is a cell in one of ours."""
        return language_of_cells([cell.code for cell in self.cells])

    @cached_property
    def code(self) -> NotebookText:
        """The cells of that language as one text."""
        if self.language is None:
            return NotebookText("", (None,) * len(self.cells))
        return notebook_text([cell.code for cell in self.cells], self.language)

    def first_line(self, cell: Cell) -> int | None:
        """Where a cell starts in the text, if it is part of it."""
        return self.code.firsts[self.cells.index(cell)]


class Notebooks:
    """All of them, by URI and by the URIs of their cells."""

    def __init__(self) -> None:
        self._notebooks: dict[str, Notebook] = {}

    def __iter__(self) -> Iterator[Notebook]:
        yield from self._notebooks.values()

    def get(self, uri: str) -> Notebook | None:
        """The notebook with this URI."""
        return self._notebooks.get(uri)

    def cell(self, uri: str) -> tuple[Notebook, Cell] | None:
        """The cell with this URI, and the notebook it is in."""
        for notebook in self._notebooks.values():
            for cell in notebook.cells:
                if cell.uri == uri:
                    return notebook, cell
        return None

    def open(self, params: lsp.DidOpenNotebookDocumentParams) -> None:
        """Take in a notebook."""
        told = params.notebook_document
        texts = {each.uri: _cell(each) for each in params.cell_text_documents}
        cells = tuple(texts[cell.document] for cell in told.cells if cell.document in texts)
        self._notebooks[told.uri] = Notebook(told.uri, told.version, cells)

    def change(self, params: lsp.DidChangeNotebookDocumentParams, units: Units) -> None:
        """Follow what was edited."""
        told = params.notebook_document
        notebook = self._notebooks.get(told.uri)
        if notebook is None:
            return
        cells = {cell.uri: cell for cell in notebook.cells}
        order = [cell.uri for cell in notebook.cells]
        change = params.change.cells
        if change is not None and change.structure is not None:
            array = change.structure.array
            cells |= {each.uri: _cell(each) for each in change.structure.did_open or ()}
            new = [each.document for each in array.cells or ()]
            order[array.start : array.start + array.delete_count] = new
        for edit in (change.text_content or ()) if change is not None else ():
            if (cell := cells.get(edit.document.uri)) is not None:
                cells[cell.uri] = _edited(cell, edit, units)
        kept = tuple(cells[uri] for uri in order if uri in cells)
        self._notebooks[told.uri] = Notebook(told.uri, told.version, kept)

    def close(self, uri: str) -> Notebook | None:
        """Forget a notebook; return it as it was."""
        return self._notebooks.pop(uri, None)


def _cell(told: lsp.TextDocumentItem) -> Cell:
    return Cell(told.uri, told.version, CodeCell(str(told.language_id), told.text))


def _edited(cell: Cell, edit: lsp.NotebookDocumentCellContentChanges, units: Units) -> Cell:
    text = cell.code.text
    for change in edit.changes:
        if isinstance(change, lsp.TextDocumentContentChangePartial):
            text = with_edit(text, change.range, change.text, units)
        else:
            text = change.text
    return Cell(cell.uri, edit.document.version, replace(cell.code, text=text))
