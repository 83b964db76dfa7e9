/** The report as a page of the editor. */

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

import type { LiveChanges } from './liveChanges';
import { openPlace } from './places';
import { type Place, reportPage } from './reportPage';

export class ReportPanel implements vscode.Disposable {
  private panel: vscode.WebviewPanel | undefined;
  private places: readonly Place[] = [];
  private isOld = false;
  private readonly listener: vscode.Disposable;

  constructor(
    private readonly changes: LiveChanges,
    private readonly extension: vscode.Uri,
  ) {
    this.listener = changes.onDidChange(() => {
      // Not while somebody reads and moves about in it: the keyboard's focus would be lost.
      if (this.panel?.active === true) this.isOld = true;
      else this.render();
    });
  }

  get isOpen(): boolean {
    return this.panel !== undefined;
  }

  /** Opens it, or brings it up to date and to the front. */
  show(): void {
    if (this.panel === undefined) this.panel = this.create();
    else this.panel.reveal();
    this.render();
  }

  dispose(): void {
    this.listener.dispose();
    this.panel?.dispose();
  }

  private create(): vscode.WebviewPanel {
    const media = vscode.Uri.joinPath(this.extension, 'media');
    const options = { enableScripts: true, localResourceRoots: [media], enableCommandUris: false };
    const panel = vscode.window.createWebviewPanel('themis.report', 'Themis Report', vscode.ViewColumn.Active, options);
    panel.iconPath = vscode.Uri.joinPath(media, 'icon.png'); // in colour: seen on light and dark alike
    panel.webview.onDidReceiveMessage((message: unknown) => void this.open(message));
    panel.onDidChangeViewState(() => {
      if (this.isOld && !panel.active) this.render();
    });
    panel.onDidDispose(() => {
      this.panel = undefined;
    });
    return panel;
  }

  private render(): void {
    const webview = this.panel?.webview;
    if (webview === undefined) return;
    const uri = (name: string): string =>
      webview.asWebviewUri(vscode.Uri.joinPath(this.extension, 'media', name)).toString();
    const page = reportPage(this.changes.files, this.changes.workspace.map((each) => each.report), {
      nonce: randomBytes(16).toString('base64'),
      source: webview.cspSource,
      style: uri('report.css'),
      script: uri('report.js'),
    });
    this.isOld = false;
    this.places = page.places;
    webview.html = page.html;
  }

  private async open(message: unknown): Promise<void> {
    const at = (message as { open?: unknown } | null)?.open;
    const place = typeof at === 'number' ? this.places[at] : undefined;
    if (place !== undefined) await openPlace(place);
  }
}
