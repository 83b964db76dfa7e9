/** The editor's own Git extension: the names of branches. */

import * as vscode from 'vscode';

/** What we use of its interface, version 1. */
interface GitApi {
  getRepository(uri: vscode.Uri): GitRepository | null;
}

export interface GitRepository {
  readonly state: { readonly HEAD: { readonly name?: string } | undefined };
  getBranches(query: { remote?: boolean }): Promise<readonly { readonly name?: string }[]>;
}

/** The repository around a file; undefined if there is none, or the extension is off. */
export async function repositoryOf(uri: vscode.Uri): Promise<GitRepository | undefined> {
  const extension = vscode.extensions.getExtension<{ readonly enabled: boolean; getAPI(version: 1): GitApi }>('vscode.git');
  if (extension === undefined) return undefined;
  const git = await extension.activate();
  return git.enabled ? (git.getAPI(1).getRepository(uri) ?? undefined) : undefined;
}
