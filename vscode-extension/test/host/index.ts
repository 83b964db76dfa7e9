/**
 * Runs inside a real extension host, started with `extensionDevelopmentPath` (this folder) and `extensionTestsPath` (the
 * built dist/host/index.js). The workspace is a git repository in which a change has a finding. Writes what it saw, a
 * JSON list, to the file that THEMIS_HOST_RESULTS names.
 */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as vscode from 'vscode';

import type { Api } from '../../src/extension';
import type { ChangedFile } from '../../src/model';

interface Result {
  readonly name: string;
  readonly isPassed: boolean;
  readonly detail: string;
}

const PATIENCE_MILLISECONDS = Number(process.env.THEMIS_HOST_PATIENCE ?? 120_000);

export async function run(): Promise<void> {
  const results: Result[] = [];
  const test = async (name: string, work: () => unknown): Promise<void> => {
    try {
      results.push({ name, isPassed: true, detail: JSON.stringify(await work()) ?? '' });
    } catch (error) {
      results.push({ name, isPassed: false, detail: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    const last = results.at(-1);
    // With a line each, so that a run that hangs tells where.
    // eslint-disable-next-line no-console
    console.log(last?.isPassed === true ? `THEMIS passed ${name}` : `THEMIS FAILED ${name}: ${last?.detail}`);
  };
  const extension = vscode.extensions.getExtension<Api>('themis-review.themis-review');
  assert(extension !== undefined, 'the extension is not installed');
  const api = await extension.activate();
  const worst = (): ChangedFile => {
    const [file] = api.files();
    assert(file !== undefined, 'nothing changed');
    return file;
  };
  const uri = (): vscode.Uri => vscode.Uri.parse(worst().uri);

  await test('the server starts', async () => {
    await until(() => api.state().phase === 'running');
    return api.state();
  });
  await test('every command is registered', async () => {
    const known = new Set(await vscode.commands.getCommands(true));
    const { contributes } = extension.packageJSON as { contributes: { commands: { command: string }[] } };
    const missing = contributes.commands.map((each) => each.command).filter((each) => !known.has(each));
    assert.deepEqual(missing, []);
    return contributes.commands.length;
  });
  await test('reviewing all changes fills the Changes view, worst first', async () => {
    void vscode.commands.executeCommand('themis.reviewChanges'); // ends when its message is answered or not
    await until(() => api.rows().some((row) => row.context === 'function.finding'));
    const rows = api.rows();
    assert.equal(rows[0]?.context, 'file');
    assert.equal(rows[1]?.context, 'function.finding');
    assert.match(rows[1].description, /worse, P \d+ %/);
    return rows.slice(0, 4).map((row) => `${row.label}: ${row.description}`);
  });
  await test('a finding is a diagnostic', async () => {
    await vscode.window.showTextDocument(uri());
    const found = await until(() => vscode.languages.getDiagnostics(uri()).find((each) => each.source === 'themis'));
    assert.equal(found.severity, vscode.DiagnosticSeverity.Warning);
    return found.message;
  });
  await test('a lens stands above the function', async () => {
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri(), 20);
    const ours = lenses.filter((each) => each.command?.command === 'themis.compareWithBase');
    assert(ours.length > 0);
    return ours.map((each) => each.command?.title);
  });
  await test('a hover tells the axes', async () => {
    const [diagnostic] = vscode.languages.getDiagnostics(uri());
    const lines = worst().functions[0]?.review.head_lines;
    assert(diagnostic !== undefined && lines !== null && lines !== undefined);
    for (let line = lines[0] - 1; line < lines[1]; line++) {
      const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
        'vscode.executeHoverProvider', uri(), new vscode.Position(line, 8),
      );
      const text = hovers.flatMap((each) => each.contents.map((part) => (typeof part === 'string' ? part : part.value)));
      const ours = text.find((each) => each.includes('**Themis**'));
      if (ours !== undefined) {
        assert.match(ours, /P\(better\)/);
        return ours.slice(0, 120);
      }
    }
    throw new Error('no hover in the whole function');
  });
  await test('actions offer to take back, ignore, compare and explain', async () => {
    const [diagnostic] = vscode.languages.getDiagnostics(uri());
    assert(diagnostic !== undefined);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider', uri(), diagnostic.range,
    );
    const titles = actions.map((each) => each.title);
    for (const words of ['show what changed', 'take this change back', 'ignore ', 'compare with base', 'explain ']) {
      assert(titles.some((title) => title.startsWith(`Themis: ${words}`)), `${words} is not among ${titles.join('; ')}`);
    }
    return titles;
  });
  await test('comparing opens a diff with the base', async () => {
    await vscode.commands.executeCommand('themis.compareWithBase', uri().toString());
    const input = await until(() => {
      const tab = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
      return tab instanceof vscode.TabInputTextDiff ? tab : undefined;
    });
    const base = await vscode.workspace.openTextDocument(input.original);
    assert.notEqual(base.getText(), '');
    assert.notEqual(base.getText(), (await vscode.workspace.openTextDocument(uri())).getText());
    return input.original.toString().slice(0, 80);
  });
  await test('explaining an axis shows its page', async () => {
    await vscode.commands.executeCommand('themis.explainAxis', 'security');
    return until(() => tabs().find((each) => each.includes('security')));
  });
  await test('an answer to a finding is kept, by its action and by a command', async () => {
    const document = await vscode.workspace.openTextDocument(uri());
    const editor = await vscode.window.showTextDocument(document);
    const [diagnostic] = vscode.languages.getDiagnostics(uri());
    assert(diagnostic !== undefined);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider', uri(), diagnostic.range,
    );
    const wrong = actions.find((each) => each.title.startsWith('Themis: this finding is wrong'));
    assert(wrong?.command !== undefined, actions.map((each) => each.title).join('; '));
    await vscode.commands.executeCommand(wrong.command.command, ...(wrong.command.arguments as unknown[]));
    editor.selection = new vscode.Selection(diagnostic.range.start, diagnostic.range.start);
    await vscode.commands.executeCommand('themis.findingIsRight');
    return wrong.title;
  });
  await test('the report opens', async () => {
    await vscode.commands.executeCommand('themis.showReport');
    await until(() => api.isReportOpen());
    return until(() => tabs().find((each) => each === 'Themis Report'));
  });
  await test('ranking against the clipboard gives a page', async () => {
    const document = await vscode.workspace.openTextDocument(uri());
    const editor = await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(0, 0, Math.min(document.lineCount, 30), 0);
    await vscode.env.clipboard.writeText('def total(items):\n    return sum(items)\n');
    await vscode.commands.executeCommand('themis.rankClipboard');
    return until(() => tabs().find((each) => each.includes('Ranking')));
  });
  await test('ignoring from the Changes view writes the comment, and the finding goes', async () => {
    const file = worst();
    const [changed] = file.functions;
    assert(changed !== undefined);
    const before = (await vscode.workspace.openTextDocument(uri())).getText();
    await vscode.commands.executeCommand('themis.changes.ignore', { kind: 'function', file, changed });
    const document = await vscode.workspace.openTextDocument(uri());
    assert.match(document.getText(), /themis: ignore\[/);
    const isQuiet = (): boolean => !vscode.languages.getDiagnostics(document.uri)
      .some((each) => each.source === 'themis' && each.message.startsWith(`${changed.review.name}:`));
    await until(isQuiet, () => vscode.languages.getDiagnostics(document.uri));
    const now = () => api.files().find((each) => each.uri === file.uri)?.functions
      .find((each) => each.review.name === changed.review.name);
    await until(() => now()?.scores.every((each) => !each.isFinding), now);
    await rewrite(document, before);
    await until(() => api.rows().some((row) => row.context === 'function.finding'));
    return changed.review.name;
  });
  await test('the server restarts and speaks again', async () => {
    await vscode.commands.executeCommand('themis.restartServer');
    await until(() => api.state().phase === 'running');
    await until(() => vscode.languages.getDiagnostics().some(([, found]) => found.some((each) => each.source === 'themis')));
    return api.state();
  });

  const failed = results.filter((each) => !each.isPassed);
  const file = process.env.THEMIS_HOST_RESULTS;
  if (file !== undefined) writeFileSync(file, JSON.stringify(results, null, 1));
  if (failed.length > 0) throw new Error(failed.map((each) => `${each.name}: ${each.detail}`).join('\n'));
}

/** Puts a text in place of a document's, on disk as well: the editor may have saved the one before by itself. */
async function rewrite(document: vscode.TextDocument, text: string): Promise<void> {
  const edit = new vscode.WorkspaceEdit();
  edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
  await vscode.workspace.applyEdit(edit);
  await document.save();
}

function tabs(): string[] {
  return vscode.window.tabGroups.all.flatMap((group) => group.tabs.map((tab) => tab.label));
}

/** Waits until there is something. */
async function until<T>(look: () => T, context: () => unknown = () => ''): Promise<NonNullable<T>> {
  const end = Date.now() + PATIENCE_MILLISECONDS;
  for (;;) {
    const found = look();
    if (found !== undefined && found !== null && found !== false) return found;
    if (Date.now() > end) throw new Error(`waited in vain: ${String(look)}; ${JSON.stringify(context())}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
