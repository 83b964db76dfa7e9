/** Commands that rank alternatives: a selection and the clipboard, a function as it is on several branches. */

import * as vscode from 'vscode';

import { repositoryOf, type GitRepository } from '../gitExtension';
import type { Handler } from '../middleware';
import { inProgress, inform } from '../notices';
import { rankingPage } from '../pages';
import type { Parts } from '../parts';
import type { RankParams } from '../requests';

export function rankCommands(parts: Parts): Record<string, Handler> {
  return {
    'themis.rankClipboard': () => rankClipboard(parts),
    'themis.rankBranches': () => rankBranches(parts),
  };
}

async function rankClipboard(parts: Parts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection) ?? '';
  if (editor === undefined || selected.trim() === '') return void inform('select the code to compare with the clipboard');
  const copied = await vscode.env.clipboard.readText();
  if (copied.trim() === '') return void inform('the clipboard holds no text; copy the alternative first');
  const params = { texts: [selected, copied], uri: editor.document.uri.toString() };
  await rank(parts, 'Selection and clipboard', params, ['selection', 'clipboard']);
}

/** The function at the cursor, or the whole file where there is none, as it is here and on other branches. */
async function rankBranches(parts: Parts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const uri = editor?.document.uri;
  if (editor === undefined || uri?.scheme !== 'file') return void inform('open a file of a repository');
  const revisions = await pickRevisions(await repositoryOf(uri));
  if (revisions === undefined || revisions.length === 0) return;
  const { line, character } = editor.selection.active;
  const params = { textDocument: { uri: uri.toString() }, revisions, position: { line, character } };
  await rank(parts, `${uri.path.split('/').at(-1) ?? ''} here and on ${revisions.join(', ')}`, params);
}

/** Of the branches that the Git extension knows; where it is off, a person has to type a name. */
async function pickRevisions(repository: GitRepository | undefined): Promise<string[] | undefined> {
  const current = repository?.state.HEAD?.name;
  const branches = (await repository?.getBranches({ remote: false })) ?? [];
  const names = branches.flatMap(({ name }) => (name === undefined || name === current ? [] : [name]));
  if (names.length > 0) {
    return vscode.window.showQuickPick(names, { canPickMany: true, title: 'Rank against the text on these branches' });
  }
  const prompt = 'Branches, tags or commits to rank against, with spaces between';
  const typed = await vscode.window.showInputBox({ prompt, value: 'HEAD' });
  return typed?.split(/\s+/).filter((each) => each !== '');
}

async function rank(parts: Parts, title: string, params: RankParams, names?: readonly string[]): Promise<void> {
  const ranking = await inProgress('comparing alternatives', (token, onProgress) =>
    parts.session.request('themis/rank', params, token, onProgress),
  );
  if (ranking !== undefined) await parts.documents.showPage('Ranking', rankingPage(title, ranking, names));
}
