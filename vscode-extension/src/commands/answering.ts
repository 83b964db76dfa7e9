/** Commands by which a person says that the finding at the cursor is right or wrong. The server keeps it, or says why not. */

import * as vscode from 'vscode';

import { type Verdict, answerAt } from '../answers';
import type { Handler } from '../middleware';
import { inform } from '../notices';

export function answerCommands(): Record<string, Handler> {
  return {
    'themis.findingIsRight': () => answer('good'),
    'themis.findingIsWrong': () => answer('bad'),
  };
}

async function answer(verdict: Verdict): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) return void inform('put the cursor into a function with a finding');
  // The client registers the server's command, as its code actions need it.
  await vscode.commands.executeCommand(...answerAt(editor.document.uri.toString(), verdict, editor.selection.active));
}
