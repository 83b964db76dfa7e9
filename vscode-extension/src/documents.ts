/** Documents that are on no disk: the base of a file, and answers as Markdown pages. */

import * as vscode from 'vscode';

import type { Session } from './session';

export const BASE_SCHEME = 'themis-base';
const PAGE_SCHEME = 'themis-page';
const MOST_PAGES = 20;

export class Documents implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  private readonly pages = new Map<string, string>();
  private readonly registrations: vscode.Disposable[];

  constructor(private readonly session: Session) {
    this.registrations = [
      vscode.workspace.registerTextDocumentContentProvider(BASE_SCHEME, {
        onDidChange: this.changed.event,
        provideTextDocumentContent: async (uri, token) => (await this.baseOf(documentOf(uri), token))?.text ?? '',
      }),
      vscode.workspace.registerTextDocumentContentProvider(PAGE_SCHEME, {
        provideTextDocumentContent: (uri) => this.pages.get(uri.toString()) ?? '',
      }),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.refresh(document)),
    ];
  }

  /** What the server compared a document with; null if there is nothing. */
  async baseOf(uri: vscode.Uri, token?: vscode.CancellationToken): Promise<{ name: string; text: string } | null> {
    await vscode.workspace.openTextDocument(uri); // the server knows open documents only
    return this.session.request('themis/baseText', { textDocument: { uri: uri.toString() } }, token);
  }

  /** The name under which the editor shows a document's base. */
  baseUri(uri: vscode.Uri): vscode.Uri {
    return uri.with({ scheme: BASE_SCHEME, authority: '', query: uri.toString(), fragment: '' });
  }

  /** The base may be another one now, or be gone. */
  forgetBase(uri: vscode.Uri): void {
    this.changed.fire(this.baseUri(uri));
  }

  /** Shows a page as Markdown is shown. */
  async showPage(name: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: PAGE_SCHEME, path: `/${name}.md`, query: String(this.pages.size + Date.now()) });
    this.pages.set(uri.toString(), text);
    for (const key of [...this.pages.keys()].slice(0, -MOST_PAGES)) this.pages.delete(key);
    await vscode.commands.executeCommand('markdown.showPreview', uri);
  }

  dispose(): void {
    this.changed.dispose();
    vscode.Disposable.from(...this.registrations).dispose();
  }

  private refresh(document: vscode.TextDocument): void {
    // A base does not change with the text beside it, but where a server was not ready it was empty.
    const base = vscode.workspace.textDocuments.find((each) => each.uri.toString() === this.baseUri(document.uri).toString());
    if (base?.getText() === '') this.changed.fire(base.uri);
  }
}

function documentOf(base: vscode.Uri): vscode.Uri {
  return vscode.Uri.parse(base.query);
}
