/** Messages, each with what can be done about it; and progress that can be cancelled. */

import * as vscode from 'vscode';

import type { OnProgress } from './session';
import { wordsOf } from './session';

/** A button: its words, and the command behind it. */
export type Remedy = readonly [words: string, command: string, ...args: unknown[]];

export const SHOW_LOG: Remedy = ['Show Log', 'themis.showLog'];
export const RESTART: Remedy = ['Restart', 'themis.restartServer'];
export const INSTALL: Remedy = ['Install', 'themis.installServer'];
export const CHOOSE: Remedy = ['Settings', 'workbench.action.openSettings', '@ext:themis-review.themis-review server'];

export async function inform(message: string, ...remedies: Remedy[]): Promise<void> {
  await act(await vscode.window.showInformationMessage(`Themis: ${message}`, ...words(remedies)), remedies);
}

export async function warn(message: string, ...remedies: Remedy[]): Promise<void> {
  await act(await vscode.window.showWarningMessage(`Themis: ${message}`, ...words(remedies)), remedies);
}

export async function complain(message: string, ...remedies: Remedy[]): Promise<void> {
  await act(await vscode.window.showErrorMessage(`Themis: ${message}`, ...words(remedies)), remedies);
}

/**
 * Does work under a notification with a Cancel button.
 *
 * @return what the work gave; undefined if it was cancelled, or failed, which is then said.
 */
export async function inProgress<T>(
  title: string,
  work: (token: vscode.CancellationToken, onProgress: OnProgress) => Promise<T>,
): Promise<T | undefined> {
  const options = { location: vscode.ProgressLocation.Notification, title: `Themis: ${title}`, cancellable: true };
  return vscode.window.withProgress(options, async (progress, token) => {
    let shown = 0;
    try {
      return await work(token, (percentage) => {
        progress.report({ message: `${percentage} %`, increment: Math.max(0, percentage - shown) });
        shown = Math.max(shown, percentage);
      });
    } catch (error) {
      if (!token.isCancellationRequested) void complain(wordsOf(error), SHOW_LOG);
      return undefined;
    }
  });
}

function words(remedies: readonly Remedy[]): string[] {
  return remedies.map(([each]) => each);
}

async function act(chosen: string | undefined, remedies: readonly Remedy[]): Promise<void> {
  const remedy = remedies.find(([each]) => each === chosen);
  if (remedy !== undefined) await vscode.commands.executeCommand(remedy[1], ...remedy.slice(2));
}
