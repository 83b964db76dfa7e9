/** The extension: makes its parts, and starts the server. */

import * as vscode from 'vscode';

import { VIEW, type Node, createChangesView, rowOf } from './changesView';
import { answerCommands } from './commands/answering';
import { changesCommands, serverCommands } from './commands/looking';
import { rankCommands } from './commands/ranking';
import { reviewCommands } from './commands/reviewing';
import { serverControl } from './commands/serving';
import { Documents } from './documents';
import type { Row } from './labels';
import { LiveChanges } from './liveChanges';
import { Locator } from './locate';
import { type Handler, middleware } from './middleware';
import type { ChangedFile } from './model';
import { CHOOSE, INSTALL, RESTART, SHOW_LOG, complain, inform, warn } from './notices';
import type { Parts } from './parts';
import { onDidSelectInterpreter } from './python';
import { ReportPanel } from './reportPanel';
import { Session } from './session';
import { PROGRAM_SETTINGS, SECTION } from './settings';
import type { State } from './state';
import { createStatusViews } from './statusViews';
import { OLDEST_SERVER, isTooOld } from './versions';

/** What other extensions, and tests, may look at. */
export interface Api {
  state(): State;
  files(): readonly ChangedFile[];
  /** The rows of the Changes view, as it shows them. */
  rows(): readonly Row[];
  isReportOpen(): boolean;
}

const SAID_MISSING = 'saidThatTheServerIsMissing';

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): Api {
  const log = vscode.window.createOutputChannel('Themis Review', { log: true });
  const locator = new Locator(context.globalStorageUri.fsPath);
  const handlers = new Map<string, Handler>();
  const running = new Session(() => locator.find(), locator.storage, log, middleware(handlers));
  session = running;
  let isWatched = (): boolean => false;
  const changes = new LiveChanges(running, () => isWatched(), log);
  const view = createChangesView(changes);
  const documents = new Documents(running);
  const report = new ReportPanel(changes, context.extensionUri);
  isWatched = () => view.visible || report.isOpen;
  const parts: Parts = { extension: context.extensionUri, log, locator, session: running, changes, documents, report };
  for (const [name, handler] of serverCommands(parts)) handlers.set(name, handler);
  const commands = {
    ...reviewCommands(parts), ...rankCommands(parts), ...changesCommands(parts), ...answerCommands(), ...serverControl(parts),
  };
  context.subscriptions.push(
    log, view, report, documents, changes, createStatusViews(running), running,
    ...Object.entries(commands).map(([name, handler]) => vscode.commands.registerCommand(name, handler)),
    ...watchers(context, parts),
  );
  void running.restart();
  return {
    state: () => running.state,
    files: () => changes.files,
    rows: () => changes.files.flatMap((file) => rowsOf(file)),
    isReportOpen: () => report.isOpen,
  };
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

function watchers(context: vscode.ExtensionContext, { session: running }: Parts): vscode.Disposable[] {
  let phase: State['phase'] | undefined;
  return [
    running.onDidChange((state) => {
      if (state.phase !== phase) tellOf(context, state);
      phase = state.phase;
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (PROGRAM_SETTINGS.some((name) => event.affectsConfiguration(`${SECTION}.${name}`))) void running.restart();
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      if (running.isRunning) void running.settingsChanged();
      else void running.restart();
    }),
    onDidSelectInterpreter(() => {
      if (!running.isRunning || running.state.origin === 'interpreter') void running.restart();
    }),
  ];
}

/** Says what a person has to know of a new state, with a way out of it. */
function tellOf(context: vscode.ExtensionContext, state: State): void {
  switch (state.phase) {
    case 'missing':
      if (context.globalState.get(SAID_MISSING) === true) return; // the status bar and the view go on saying it
      void context.globalState.update(SAID_MISSING, true);
      void inform('the language server is a Python program that is not installed yet', INSTALL, CHOOSE);
      return;
    case 'failed':
      void complain(state.failure ?? 'the language server failed', SHOW_LOG, RESTART, ['Check', 'themis.checkServer'], CHOOSE);
      return;
    case 'running':
      if (isTooOld(state.version)) {
        const remedy = state.origin === 'private' ? [INSTALL] : [CHOOSE];
        void warn(`themis-lsp ${state.version ?? ''} is older than ${OLDEST_SERVER}, which this extension needs`, ...remedy);
      }
      return;
    case 'starting':
    case 'installing':
    case 'stopped':
      return;
  }
}

function rowsOf(file: ChangedFile): Row[] {
  const nodes: Node[] = [
    { kind: 'file', file },
    ...file.functions.flatMap((changed): Node[] => [
      { kind: 'function', file, changed },
      ...changed.scores.map((scored): Node => ({ kind: 'axis', file, changed, scored })),
    ]),
  ];
  return nodes.map(rowOf);
}

export { VIEW };
