/** What stands between editor and server: which settings travel, and who does the server's commands. */

import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';

import { SECTION, serverSettings } from './settings';

/** A command that the server names in lenses and actions, done by the editor itself. */
export type Handler = (...args: unknown[]) => unknown;

export function middleware(handlers: ReadonlyMap<string, Handler>): Middleware {
  return {
    executeCommand: (command, args: unknown[], next): unknown => {
      const handler = handlers.get(command);
      return handler === undefined ? next(command, args) : handler(...args);
    },
    workspace: {
      configuration: (params) =>
        params.items.map((item) => {
          if (item.section !== SECTION) return null;
          const scope = item.scopeUri === undefined ? undefined : vscode.Uri.parse(item.scopeUri);
          const configuration = vscode.workspace.getConfiguration(SECTION, scope);
          return serverSettings((name) => configuration.get(name), vscode.workspace.isTrusted);
        }),
      // Only that something changed: the server then asks, and gets what is above.
      didChangeConfiguration: (_sections, next) => next(undefined),
    },
  };
}
