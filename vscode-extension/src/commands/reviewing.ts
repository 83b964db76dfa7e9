/** Commands that review: all changes, a selection; and the report. */

import * as vscode from 'vscode';

import type { Handler } from '../middleware';
import { counted } from '../labels';
import { countFindings } from '../model';
import { inProgress, inform } from '../notices';
import { reviewPage } from '../pages';
import type { Parts } from '../parts';

export function reviewCommands(parts: Parts): Record<string, Handler> {
  return {
    'themis.reviewChanges': () => reviewChanges(parts),
    'themis.reviewSelection': () => reviewSelection(parts),
    'themis.showReport': () => showReport(parts),
  };
}

async function reviewChanges(parts: Parts): Promise<void> {
  if (!(await review(parts))) return;
  const { files, problems } = parts.changes;
  const functions = files.reduce((sum, file) => sum + file.functions.length, 0);
  const said = `${counted(countFindings(files), 'finding')} in ${counted(functions, 'changed function')}`;
  const message = files.length === 0 && problems.length > 0 ? problems.join('; ') : said;
  void inform(message, ['Show Changes', 'themis.changes.focus'], ['Show Report', 'themis.showReport']);
}

async function showReport(parts: Parts): Promise<void> {
  if (parts.changes.isReviewed || (await review(parts))) parts.report.show();
}

async function reviewSelection({ session, documents }: Parts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return void inform('open a file and select lines that changed');
  const { document, selection } = editor;
  const name = document.uri.path.split('/').at(-1) ?? '';
  const answer = await inProgress(`reviewing ${name}`, (token, onProgress) => {
    const range = { start: { ...plain(selection.start) }, end: { ...plain(selection.end) } };
    const params = { textDocument: { uri: document.uri.toString() }, range };
    return session.request('themis/reviewRange', params, token, onProgress);
  });
  if (answer === undefined) return;
  if (answer.report === null) return void inform(answer.reason ?? 'nothing changed');
  const lines = `lines ${selection.start.line + 1} to ${selection.end.line + 1}`;
  await documents.showPage('Review', reviewPage(`${name}, ${lines}`, answer.report));
}

async function review(parts: Parts): Promise<boolean> {
  const done = await inProgress('reviewing all changes', async (token, onProgress) => {
    await parts.changes.reviewAll(token, onProgress);
    return true;
  });
  return done === true;
}

function plain(position: vscode.Position): { line: number; character: number } {
  return { line: position.line, character: position.character };
}
