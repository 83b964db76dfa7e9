/** One running server at a time: starts it, watches over it, starts it again when it crashes. */

import { mkdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import * as vscode from 'vscode';
import {
  CloseAction,
  DocumentDiagnosticRequest,
  ErrorAction,
  LanguageClient,
  type LanguageClientOptions,
  type Middleware,
  ProgressType,
  RevealOutputChannelOn,
  State as ClientState,
  type WorkDoneProgressBegin,
  type WorkDoneProgressEnd,
  type WorkDoneProgressReport,
} from 'vscode-languageclient/node';

import type { Program } from './discovery';
import { documentFilters } from './languages';
import { type Requests, STATUS_CHANGED } from './requests';
import { Restarts } from './restarts';
import { parseLogLine } from './serverLog';
import { SECTION } from './settings';
import type { ServerStatus, State } from './state';

/** How far a request is, in percent. */
export type OnProgress = (percentage: number) => void;

type WorkDone = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

const ERRORS_KEPT = 5;

export class Session implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<State>();
  readonly onDidChange = this.changed.event;
  private readonly restarts = new Restarts(Date.now);
  private client: LanguageClient | undefined;
  private queue: Promise<void> = Promise.resolve();
  private current: State = { phase: 'stopped' };
  private lastErrors: string[] = [];
  private tokens = 0;
  /** What the server told before it counted as running. */
  private early: { status?: ServerStatus } = {};

  /**
   * @param find the program to start; it is asked before every start but those after crashes.
   * @param directory where the server runs: no folder of the workspace, so that no program of a stranger is near.
   */
  constructor(
    private readonly find: () => Promise<Program | undefined>,
    private readonly directory: string,
    private readonly log: vscode.LogOutputChannel,
    private readonly middleware: Middleware,
  ) {}

  get state(): State {
    return this.current;
  }

  get isRunning(): boolean {
    return this.current.phase === 'running';
  }

  /** Start the server, or start it anew. What was asked of the old one fails. */
  restart(): Promise<void> {
    this.restarts.forget();
    return this.inTurn(async () => {
      await this.end();
      await this.begin();
    });
  }

  /** @param phase what it is from then on. */
  stop(phase: 'stopped' | 'installing' = 'stopped'): Promise<void> {
    return this.inTurn(async () => {
      await this.end();
      this.become({ phase });
    });
  }

  /**
   * Ask the server. Rejects with its own words where it cannot answer, and when the token is cancelled.
   */
  async request<M extends keyof Requests>(
    method: M,
    params: Requests[M]['params'],
    token: vscode.CancellationToken = new vscode.CancellationTokenSource().token,
    onProgress?: OnProgress,
  ): Promise<Requests[M]['answer']> {
    const client = this.client;
    if (client === undefined || !this.isRunning) throw new Error('the language server does not run');
    // A token of ours: else the server would ask for a progress of its own in the status bar, for every request.
    const workDoneToken = `themis-${++this.tokens}`;
    const listener = client.onProgress(new ProgressType<WorkDone>(), workDoneToken, (told) => {
      if (told.kind !== 'end' && told.percentage !== undefined) onProgress?.(told.percentage);
    });
    try {
      return await client.sendRequest<Requests[M]['answer']>(method, { ...params, workDoneToken }, token);
    } finally {
      listener.dispose();
    }
  }

  /** Have the server ask for its settings again. */
  async settingsChanged(): Promise<void> {
    if (this.isRunning) await this.client?.sendNotification('workspace/didChangeConfiguration', { settings: null });
  }

  /**
   * Have the client ask for a document's findings again. It does so by itself, but forgets to for a document whose tab was
   * closed and opened while the document stayed open, as behind a comparison (vscode-languageclient 11.0.0).
   */
  refreshFindings(document: vscode.TextDocument): void {
    const feature = this.isRunning ? this.client?.getFeature(DocumentDiagnosticRequest.method) : undefined;
    feature?.getProvider(document)?.onDidChangeDiagnosticsEmitter.fire();
  }

  dispose(): void {
    void this.end();
    this.changed.dispose();
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(work, work);
    return this.queue;
  }

  private async begin(): Promise<void> {
    this.become({ phase: 'starting' });
    this.lastErrors = [];
    const program = await this.find();
    if (program === undefined) {
      this.become({ phase: 'missing' });
      return;
    }
    this.log.info(`starting ${program.argv.join(' ')}`);
    await mkdir(this.directory, { recursive: true });
    const client = this.createClient(program);
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.log.error(`the server did not start: ${wordsOf(error)}`);
      this.client = undefined;
      const why = this.lastErrors.at(-1) ?? wordsOf(error);
      this.become({ phase: 'failed', origin: program.origin, failure: `The language server did not start: ${why}` });
    }
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client === undefined) return;
    try {
      await client.dispose(5_000);
    } catch (error) {
      this.log.warn(`the server did not end in time: ${wordsOf(error)}`);
    }
  }

  private createClient(program: Program): LanguageClient {
    const [command, ...args] = program.argv;
    const level = vscode.workspace.getConfiguration(SECTION).get('server.logLevel', 'warning');
    const server = { command: command!, args: [...args, '--log-level', level], options: { cwd: this.directory } };
    let hasRun = false;
    const options: LanguageClientOptions = {
      documentSelector: documentFilters(),
      initializationOptions: { statusNotifications: true },
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never,
      middleware: this.middleware,
      stdioOptions: { stdout: (lines) => lines.resume(), stderr: (lines) => this.readLog(lines) },
      // By itself the client would ask for findings when a document is opened, and never again.
      diagnosticPullOptions: { onChange: true, onSave: true },
      initializationFailedHandler: () => false,
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue, handled: true }),
        closed: () => {
          if (!hasRun) return { action: CloseAction.DoNotRestart, handled: true };
          if (this.restarts.crashed()) {
            return { action: CloseAction.Restart, message: 'The server ended unasked; starting it again', handled: true };
          }
          this.client = undefined;
          const failure = 'The language server ended unasked, several times in a few minutes';
          this.become({ phase: 'failed', origin: program.origin, failure });
          return { action: CloseAction.DoNotRestart, message: failure, handled: true };
        },
      },
    };
    const client = new QuietClient(SECTION, 'Themis Review', server, options);
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) return;
      if (newState === ClientState.Running) {
        hasRun = true;
        // Once it has registered the server's commands as well; a start that fails is told where it was asked for.
        client.start().then(() => this.started(client, program), () => undefined);
      } else if (newState === ClientState.Starting) {
        this.become({ phase: 'starting', origin: program.origin });
      }
    });
    client.onNotification(STATUS_CHANGED, (status: ServerStatus) => {
      if (this.client !== client) return;
      if (this.isRunning) this.become({ ...this.current, status });
      else this.early = { status };
    });
    return client;
  }

  private started(client: LanguageClient, { origin }: Program): void {
    if (this.client !== client) return;
    const version = client.initializeResult?.serverInfo?.version;
    this.become({ phase: 'running', origin, ...(version === undefined ? {} : { version }), ...this.early });
    this.early = {};
  }

  private readLog(stderr: Readable): void {
    createInterface({ input: stderr }).on('line', (line) => {
      const { level, text } = parseLogLine(line);
      this.log[level](text);
      if (level === 'warn' || level === 'error') this.lastErrors = [...this.lastErrors, text].slice(-ERRORS_KEPT);
    });
  }

  private become(state: State): void {
    this.current = state;
    this.changed.fire(state);
  }
}

/** Errors go to the log: what a person has to know is said once, by us, with a remedy. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

/** An error's message, in one line. */
export function wordsOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
}
