/** Lines of a report as places of the editor. The one module that turns 1-based lines into positions. */

import * as vscode from 'vscode';

import type { Place } from './reportPage';

/** From the start of the first line to the end of the last; both 1-based. */
export function rangeOf(lines: readonly [number, number], document: vscode.TextDocument): vscode.Range {
  const last = Math.max(document.lineCount - 1, 0);
  const [first, end] = lines.map((line) => Math.min(Math.max(line - 1, 0), last)) as [number, number];
  return new vscode.Range(first, 0, end, document.lineAt(end).range.end.character);
}

/** Opens a document with those lines selected and in the middle. */
export async function openPlace(place: Place, keepFocus = false): Promise<vscode.TextEditor> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(place.uri));
  const editor = await vscode.window.showTextDocument(document, { preserveFocus: keepFocus, preview: true });
  if (place.lines !== null) show(editor, rangeOf(place.lines, document));
  return editor;
}

/** Selects a range and brings it into the middle. */
export function show(editor: vscode.TextEditor, range: vscode.Range): void {
  // From its end to its start: the cursor stands where the range begins.
  editor.selection = new vscode.Selection(range.end, range.start);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
