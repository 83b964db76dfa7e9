/** Commands about the server: install, check, restart, status, log, cache. */

import * as vscode from 'vscode';

import { install } from '../installer';
import { counted } from '../labels';
import type { Handler } from '../middleware';
import { CHOOSE, INSTALL, SHOW_LOG, complain, inProgress, inform } from '../notices';
import type { Parts } from '../parts';
import { runToEnd } from '../processes';
import { wordsOf } from '../session';
import { lookOf } from '../state';
import { parseCheck } from '../versions';

export function serverControl(parts: Parts): Record<string, Handler> {
  return {
    'themis.installServer': () => installServer(parts),
    'themis.checkServer': () => checkServer(parts),
    'themis.restartServer': () => parts.session.restart(),
    'themis.showStatus': () => showStatus(parts),
    'themis.showLog': () => parts.log.show(),
    'themis.clearCache': () => clearCache(parts),
    'themis.openWalkthrough': () =>
      vscode.commands.executeCommand('workbench.action.openWalkthrough', 'themis-review.themis-review#start', false),
  };
}

async function installServer({ session, locator, log }: Parts): Promise<void> {
  await session.stop('installing'); // it may be what is to be replaced
  const installed = await install(locator, log);
  await session.restart();
  if (installed === 'cancelled') return;
  if ('failure' in installed) void complain(installed.failure, SHOW_LOG, ['Try Again', 'themis.installServer'], CHOOSE);
  else void inform(`installed themis-lsp ${installed.version}`);
}

/** Runs `themis-lsp --check` and shows all that it says. */
async function checkServer({ locator, log }: Parts): Promise<void> {
  const program = await locator.find();
  if (program === undefined) return void complain('there is no language server yet', INSTALL, CHOOSE);
  const folder = vscode.workspace.workspaceFolders?.find((each) => each.uri.scheme === 'file');
  const directory = vscode.workspace.isTrusted && folder !== undefined ? folder.uri.fsPath : locator.storage;
  const ended = await inProgress('checking the language server', (token) =>
    runToEnd([...program.argv, '--check'], directory, (line) => log.info(line), token),
  );
  if (ended === undefined) return;
  log.show(true);
  const { version } = parseCheck(ended.output);
  if (version === undefined) void complain(`${program.argv.join(' ')} is no working themis-lsp`, SHOW_LOG, INSTALL, CHOOSE);
  else if (ended.code === 0) void inform(`themis-lsp ${version} is well`);
  else void complain(`themis-lsp ${version} lacks something; the log says what`, SHOW_LOG);
}

async function showStatus({ session, changes, locator }: Parts): Promise<void> {
  const look = lookOf(session.state);
  const items: (vscode.QuickPickItem & { command?: string })[] = [
    { label: `$(${look.icon.replace('~spin', '')}) ${look.text}`, detail: look.detail },
  ];
  if (session.isRunning) items.push(...(await details(session)));
  else if (session.state.phase === 'missing') {
    items.push({ label: '$(cloud-download) Install the language server', detail: `Into ${locator.privateEnvironment}`, command: 'themis.installServer' });
  }
  items.push(
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    ...(session.isRunning ? [{ label: '$(search) Review all changes', command: 'themis.reviewChanges' }] : []),
    ...(changes.files.length > 0 ? [{ label: '$(table) Show the report', command: 'themis.showReport' }] : []),
    { label: '$(debug-restart) Restart the language server', command: 'themis.restartServer' },
    { label: '$(checklist) Check the installation', command: 'themis.checkServer' },
    { label: '$(output) Show the log', command: 'themis.showLog' },
  );
  const chosen = await vscode.window.showQuickPick(items, { title: 'Themis Review' });
  if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command);
}

async function details(session: Parts['session']): Promise<vscode.QuickPickItem[]> {
  try {
    const { documents, jobs, worker } = await session.request('themis/status', {});
    const memory = worker.residentBytes === null ? 'not loaded' : `${Math.round(worker.residentBytes / 2 ** 20)} MB`;
    const work = `${counted(documents, 'document')}, ${counted(jobs, 'job')}`;
    return [{ label: `$(server-process) ${work}`, detail: `Model process: ${memory}` }];
  } catch (error) {
    return [{ label: '$(warning) The server does not answer', detail: wordsOf(error) }];
  }
}

async function clearCache({ session }: Parts): Promise<void> {
  const done = await inProgress('clearing the cache', async (token) => {
    await session.request('themis/clearCache', {}, token);
    return true;
  });
  if (done === true) void inform('the cache is empty; open documents are reviewed again');
}
