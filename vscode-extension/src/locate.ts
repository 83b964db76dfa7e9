/** Finds the server's program on this machine, by settings, interpreter, PATH, private environment. */

import * as path from 'node:path';
import * as vscode from 'vscode';

import { type Machine, type Program, findProgram } from './discovery';
import { thisMachine } from './machine';
import { selectedInterpreter } from './python';
import { SECTION } from './settings';

export class Locator {
  readonly machine: Machine = thisMachine(() =>
    (vscode.workspace.workspaceFolders ?? [])
      .filter((folder) => folder.uri.scheme === 'file')
      .map((folder) => folder.uri.fsPath),
  );

  /** @param storage the folder that the editor gives the extension, for all workspaces. */
  constructor(readonly storage: string) {}

  /** Where the private environment is, or will be. */
  get privateEnvironment(): string {
    return path.join(this.storage, 'environment');
  }

  /** The program to start, or undefined if there is none. */
  async find(): Promise<Program | undefined> {
    const isTrusted = vscode.workspace.isTrusted;
    const command = vscode.workspace.getConfiguration(SECTION).get<string[]>('server.command', []);
    return findProgram(this.machine, {
      command,
      interpreter: command.length === 0 && isTrusted ? await selectedInterpreter() : undefined,
      privateEnvironment: this.privateEnvironment,
      isTrusted,
    });
  }
}
