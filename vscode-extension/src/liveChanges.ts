/** Keeps what is known of the workspace's changes up to date: documents as they are edited, the whole when asked. */

import * as vscode from 'vscode';

import { isRead } from './languages';
import { Changes, type ChangedFile } from './model';
import type { OnProgress, Session } from './session';
import { SECTION } from './settings';
import type { Phase } from './state';

/** After the server's own pause: its review is then done, and the answer comes from its cache. */
const BEHIND_THE_SERVER_MILLISECONDS = 200;
const QUIET_MILLISECONDS = 1_500;
const EVERYTHING = { start: { line: 0, character: 0 }, end: { line: 2 ** 31 - 1, character: 0 } };

export class LiveChanges implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly changes = new Changes((uri) => vscode.Uri.parse(uri).toString());
  private readonly timers = new Map<string, NodeJS.Timeout>();
  private readonly running = new Map<string, vscode.CancellationTokenSource>();
  private readonly registrations: vscode.Disposable[];
  private sorted: readonly ChangedFile[] | undefined;
  private quiet: NodeJS.Timeout | undefined;
  private isReviewing = false;
  private wanted = false;
  private stale = true;
  private phase: Phase = 'stopped';
  /** Whether the whole workspace was reviewed at all. */
  isReviewed = false;
  /** Why folders could not be reviewed. */
  problems: readonly string[] = [];

  /** @param isWatched whether somebody looks: only then is the whole workspace reviewed unasked. */
  constructor(
    private readonly session: Session,
    private readonly isWatched: () => boolean,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const heads = vscode.workspace.createFileSystemWatcher('**/.git/{HEAD,index}');
    this.registrations = [
      heads,
      heads.onDidChange(() => this.somethingChanged()),
      heads.onDidCreate(() => this.somethingChanged()),
      heads.onDidDelete(() => this.somethingChanged()),
      vscode.workspace.onDidOpenTextDocument((document) => this.schedule(document)),
      vscode.workspace.onDidChangeTextDocument(({ document, contentChanges }) => {
        if (contentChanges.length > 0 && runsWhen(document.uri) === 'onType') this.schedule(document);
      }),
      vscode.workspace.onDidSaveTextDocument((document) => {
        if (runsWhen(document.uri) === 'onSave') this.schedule(document);
      }),
      vscode.workspace.onDidCloseTextDocument((document) => {
        this.stopReview(document.uri.toString());
        if (this.isKnown(document.uri)) this.somethingChanged(); // what was not saved is gone
      }),
      vscode.workspace.onDidDeleteFiles(({ files }) => {
        for (const uri of files) this.changes.takeDocument(uri.toString(), null);
        this.tell();
        this.somethingChanged();
      }),
      vscode.workspace.onDidRenameFiles(() => this.somethingChanged()),
      vscode.workspace.onDidChangeWorkspaceFolders(() => this.somethingChanged()),
      session.onDidChange(({ phase }) => {
        const before = this.phase;
        this.phase = phase;
        if (phase === before) return;
        if (phase === 'running') this.serverStarted();
        else if (phase !== 'starting') this.forget();
      }),
    ];
  }

  /** The changed files, those that ask most to be looked at first. */
  get files(): readonly ChangedFile[] {
    this.sorted ??= this.changes.files();
    return this.sorted;
  }

  /** What was said of the whole workspace. */
  get workspace(): Changes['workspace'] {
    return this.changes.workspace;
  }

  /** Review all that differs from the base. */
  async reviewAll(token?: vscode.CancellationToken, onProgress?: OnProgress): Promise<void> {
    clearTimeout(this.quiet);
    this.stale = false;
    this.isReviewing = true;
    const edited = new Map(vscode.workspace.textDocuments.map((each) => [each, each.version]));
    try {
      const answer = await this.session.request('themis/reviewWorkspace', {}, token, onProgress);
      this.changes.takeWorkspace(answer.reports);
      this.problems = answer.problems.map((each) => each.message);
      this.isReviewed = true;
      this.tell();
      for (const [document, version] of edited) {
        if (!document.isClosed && document.version !== version) this.schedule(document);
      }
    } catch (error) {
      this.stale = true;
      throw error;
    } finally {
      this.isReviewing = false;
      if (this.wanted) this.somethingChanged();
    }
  }

  /** Review the whole workspace if what is known of it is old: somebody has begun to look. */
  lookedAt(): void {
    if (this.stale) this.somethingChanged();
  }

  dispose(): void {
    clearTimeout(this.quiet);
    for (const uri of [...this.timers.keys(), ...this.running.keys()]) this.stopReview(uri);
    vscode.Disposable.from(...this.registrations).dispose();
    this.changed.dispose();
  }

  private serverStarted(): void {
    for (const document of vscode.workspace.textDocuments) this.schedule(document);
    this.somethingChanged();
  }

  private forget(): void {
    this.changes.clear();
    this.isReviewed = false;
    this.stale = true;
    this.problems = [];
    this.tell();
  }

  /** The whole may be different: review it when things are quiet, if somebody looks. */
  private somethingChanged(): void {
    this.stale = true;
    this.wanted = this.isReviewing;
    clearTimeout(this.quiet);
    if (this.isReviewing || !this.session.isRunning || !this.isWatched() || runsWhen() === 'manual') return;
    this.quiet = setTimeout(() => {
      const view = { location: { viewId: 'themis.changes' } };
      void vscode.window.withProgress(view, async () => {
        await this.reviewAll().catch((error: unknown) => this.log.info(`the workspace was not reviewed: ${String(error)}`));
      });
    }, QUIET_MILLISECONDS);
  }

  private isKnown(uri: vscode.Uri): boolean {
    return this.files.some((file) => file.uri === uri.toString());
  }

  private schedule(document: vscode.TextDocument): void {
    const uri = document.uri.toString();
    if (document.uri.scheme !== 'file' || !isRead(document.uri.path.split('/').at(-1) ?? '')) return;
    if (runsWhen(document.uri) === 'manual') return;
    this.stopReview(uri);
    const pause = vscode.workspace.getConfiguration(SECTION, document.uri).get('debounceMilliseconds', 300);
    const timer = setTimeout(() => void this.review(document), pause + BEHIND_THE_SERVER_MILLISECONDS);
    this.timers.set(uri, timer);
  }

  private async review(document: vscode.TextDocument): Promise<void> {
    const uri = document.uri.toString();
    this.timers.delete(uri);
    if (!this.session.isRunning) return;
    const source = new vscode.CancellationTokenSource();
    this.running.set(uri, source);
    try {
      const params = { textDocument: { uri }, range: EVERYTHING };
      const { report } = await this.session.request('themis/reviewRange', params, source.token);
      if (source.token.isCancellationRequested) return;
      this.changes.takeDocument(uri, report);
      this.session.refreshFindings(document);
      this.tell();
    } catch (error) {
      // The server itself says what a person has to know, once.
      if (!source.token.isCancellationRequested) this.log.debug(`${uri} was not reviewed: ${String(error)}`);
    } finally {
      if (this.running.get(uri) === source) this.running.delete(uri);
      source.dispose();
    }
  }

  private stopReview(uri: string): void {
    clearTimeout(this.timers.get(uri));
    this.timers.delete(uri);
    this.running.get(uri)?.cancel();
    this.running.delete(uri);
  }

  private tell(): void {
    this.sorted = undefined;
    this.changed.fire();
  }
}

function runsWhen(uri?: vscode.Uri): string {
  return vscode.workspace.getConfiguration(SECTION, uri).get('run', 'onType');
}
