/** Commands that rank alternatives: a selection and the clipboard, a file as it is on several branches. */

import * as vscode from 'vscode';

import { repositoryOf, type GitRepository } from '../gitExtension';
import type { Handler } from '../middleware';
import { inProgress, inform, warn } from '../notices';
import { rankingPage } from '../pages';
import type { Parts } from '../parts';

export function rankCommands(parts: Parts): Record<string, Handler> {
  return {
    'themis.rankClipboard': () => rankClipboard(parts),
    'themis.rankBranches': () => rankBranches(parts),
  };
}

interface Alternative {
  readonly name: string;
  readonly text: string;
}

async function rankClipboard(parts: Parts): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  const selected = editor?.document.getText(editor.selection) ?? '';
  if (editor === undefined || selected.trim() === '') return void inform('select the code to compare with the clipboard');
  const copied = await vscode.env.clipboard.readText();
  if (copied.trim() === '') return void inform('the clipboard holds no text; copy the alternative first');
  const alternatives = [{ name: 'selection', text: selected }, { name: 'clipboard', text: copied }];
  await rank(parts, 'Selection and clipboard', alternatives, editor.document.uri);
}

async function rankBranches(parts: Parts): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  if (document?.uri.scheme !== 'file') return void inform('open a file of a repository');
  const repository = await repositoryOf(document.uri);
  if (repository === undefined) return void warn('the Git extension knows no repository around this file');
  const chosen = await pickBranches(repository);
  if (chosen === undefined || chosen.length === 0) return;
  const alternatives: Alternative[] = [{ name: 'this text', text: document.getText() }];
  const without: string[] = [];
  for (const name of chosen) {
    try {
      alternatives.push({ name, text: await repository.show(name, document.uri.fsPath) });
    } catch {
      without.push(name);
    }
  }
  if (without.length > 0) void warn(`the file does not exist on ${without.join(', ')}`);
  if (alternatives.length < 2) return;
  const name = document.uri.path.split('/').at(-1) ?? '';
  await rank(parts, `${name} on ${alternatives.length - 1} other branches`, alternatives, document.uri);
}

async function pickBranches(repository: GitRepository): Promise<string[] | undefined> {
  const branches = await repository.getBranches({ remote: false });
  const current = repository.state.HEAD?.name;
  const names = branches.flatMap(({ name }) => (name === undefined || name === current ? [] : [name]));
  if (names.length === 0) {
    void inform('this repository has no other branch');
    return undefined;
  }
  return vscode.window.showQuickPick(names, { canPickMany: true, title: 'Rank this file against its text on …' });
}

async function rank(parts: Parts, title: string, alternatives: readonly Alternative[], uri: vscode.Uri): Promise<void> {
  const texts = alternatives.map((each) => each.text);
  const ranking = await inProgress('comparing alternatives', (token, onProgress) =>
    parts.session.request('themis/rank', { texts, uri: uri.toString() }, token, onProgress),
  );
  if (ranking === undefined) return;
  await parts.documents.showPage('Ranking', rankingPage(title, alternatives.map((each) => each.name), ranking));
}
