/** Commands that lead somewhere: a hunk, the base, an axis's page. Those of the server's lenses and actions among them. */

import * as vscode from 'vscode';

import { type Node, nodePlace } from '../changesView';
import type { Handler } from '../middleware';
import { inform } from '../notices';
import type { Parts } from '../parts';
import { openPlace, rangeOf, show } from '../places';
import { AXES } from '../report';
import type { ProtocolRange } from '../requests';

/** The server names these, and its client registers them: they are no commands of ours. */
export function serverCommands(parts: Parts): Map<string, Handler> {
  return new Map<string, Handler>([
    ['themis.showHunk', (uri, range) => showHunk(String(uri), range as ProtocolRange)],
    ['themis.compareWithBase', (target) => compare(parts, uriOf(target))],
    ['themis.explainAxis', (axis) => explain(parts, typeof axis === 'string' ? axis : undefined)],
  ]);
}

export function changesCommands(parts: Parts): Record<string, Handler> {
  return {
    'themis.changes.open': (node) => openNode(parts, node as Node),
    'themis.changes.compare': (node) => compareNode(parts, node as Node),
    'themis.changes.ignore': (node) => ignore(parts, node as Node),
    'themis.changes.explain': (node) => explainNode(parts, node as Node),
  };
}

async function showHunk(uri: string, { start, end }: ProtocolRange): Promise<void> {
  const document = await vscode.workspace.openTextDocument(vscode.Uri.parse(uri));
  const editor = await vscode.window.showTextDocument(document);
  show(editor, new vscode.Range(start.line, start.character, end.line, end.character));
}

async function compare({ documents }: Parts, uri: vscode.Uri | undefined, node?: Node): Promise<void> {
  if (uri === undefined) return void inform('open a file to compare with its base');
  const base = await documents.baseOf(uri);
  if (base === null) return void inform('there is no base to compare this document with: it is new, unchanged, or not reviewed');
  const left = documents.baseUri(uri);
  documents.forgetBase(uri); // an earlier comparison may have been with another one
  const name = uri.path.split('/').at(-1) ?? '';
  const title = `${name} (${/^[0-9a-f]{40,}$/.test(base.name) ? base.name.slice(0, 12) : base.name} ↔ now)`;
  const lines = node === undefined ? null : nodePlace(node).lines;
  const document = await vscode.workspace.openTextDocument(uri);
  const selection = lines === null ? {} : { selection: rangeOf(lines, document) };
  await vscode.commands.executeCommand('vscode.diff', left, uri, title, { preview: true, ...selection });
}

async function openNode(parts: Parts, node: Node): Promise<void> {
  const place = nodePlace(node);
  if (place.lines === null && node.kind !== 'file') await compareNode(parts, node);
  else await openPlace(place, true);
}

async function compareNode(parts: Parts, node: Node): Promise<void> {
  await compare(parts, vscode.Uri.parse(node.file.uri), node);
}

/** Has the server write the comment that ignores a function's findings: it knows the language and the place. */
async function ignore(parts: Parts, node: Node): Promise<void> {
  const place = nodePlace(node);
  if (place.lines === null || node.kind === 'file') return;
  const uri = vscode.Uri.parse(place.uri);
  await openPlace(place);
  await parts.documents.baseOf(uri); // answered when the review of this text is done
  const document = await vscode.workspace.openTextDocument(uri);
  const all = node.changed.review.head_lines ?? place.lines;
  const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
    'vscode.executeCodeActionProvider', uri, rangeOf(all, document), vscode.CodeActionKind.QuickFix.value,
  );
  const wanted = node.kind === 'axis' ? node.scored.axes : [];
  const action = actions.find(({ title, edit }) => edit !== undefined && isIgnoring(title, node.changed.review.name, wanted));
  if (action?.edit === undefined) return void inform('there is nothing to ignore here any more');
  await vscode.workspace.applyEdit(action.edit);
}

/** A test holds this to lsp_server/actions.py. */
export function isIgnoring(title: string, name: string, axes: readonly string[]): boolean {
  return title.startsWith('Themis: ignore ') && title.endsWith(` in ${name}`) && axes.every((axis) => title.includes(axis));
}

async function explainNode(parts: Parts, node: Node): Promise<void> {
  await explain(parts, node.kind === 'axis' ? node.scored.axes[0] : undefined);
}

async function explain({ extension }: Parts, asked: string | undefined): Promise<void> {
  const axis = asked ?? (await vscode.window.showQuickPick([...AXES], { title: 'Which axis?' }));
  if (!(AXES as readonly (string | undefined)[]).includes(axis)) return;
  await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.joinPath(extension, 'dist', 'axes', `${axis}.md`));
}

/** What a lens, a menu of the explorer, or nobody names. */
function uriOf(target: unknown): vscode.Uri | undefined {
  if (typeof target === 'string') return vscode.Uri.parse(target);
  if (target instanceof vscode.Uri) return target;
  return vscode.window.activeTextEditor?.document.uri;
}
