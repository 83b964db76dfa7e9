/** The interpreter that is selected in Microsoft's Python extension, if that is installed. */

import * as vscode from 'vscode';

/** What we use of the extension's interface. */
interface PythonApi {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly id: string; readonly path: string };
    resolveEnvironment(of: { readonly id: string; readonly path: string }): Promise<
      { readonly executable?: { readonly uri?: vscode.Uri } } | undefined
    >;
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

const EXTENSION = 'ms-python.python';
const PATIENCE_MILLISECONDS = 5_000;

/** Its path; undefined if nothing is selected, or if the extension takes too long to say so. */
export async function selectedInterpreter(): Promise<string | undefined> {
  try {
    return await Promise.race([interpreter(), sleep(PATIENCE_MILLISECONDS)]);
  } catch {
    return undefined; // another extension's trouble is not ours to tell
  }
}

/** Calls back when another one is selected. Where the workspace is not trusted nobody is asked. */
export function onDidSelectInterpreter(then: () => void): vscode.Disposable {
  let listener: vscode.Disposable | undefined;
  let isOver = false;
  const extension = vscode.workspace.isTrusted ? vscode.extensions.getExtension<PythonApi>(EXTENSION) : undefined;
  extension?.activate().then(
    ({ environments }) => {
      if (!isOver) listener = environments?.onDidChangeActiveEnvironmentPath(then);
    },
    () => undefined, // another extension's trouble is not ours to tell
  );
  return new vscode.Disposable(() => {
    isOver = true;
    listener?.dispose();
  });
}

async function interpreter(): Promise<string | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>(EXTENSION);
  if (extension === undefined) return undefined;
  const { environments } = await extension.activate();
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const active = environments?.getActiveEnvironmentPath(folder);
  if (environments === undefined || active === undefined) return undefined;
  return (await environments.resolveEnvironment(active))?.executable?.uri?.fsPath;
}

function sleep(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), milliseconds));
}
