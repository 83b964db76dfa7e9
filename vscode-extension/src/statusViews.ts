/** The server's state in the status bar, beside the language, and in the context that menus go by. */

import * as vscode from 'vscode';

import { documentFilters } from './languages';
import type { Session } from './session';
import { type Look, type State, lookOf } from './state';

const SEVERITIES: Readonly<Record<Look['severity'], vscode.LanguageStatusSeverity>> = {
  information: vscode.LanguageStatusSeverity.Information,
  warning: vscode.LanguageStatusSeverity.Warning,
  error: vscode.LanguageStatusSeverity.Error,
};

export function createStatusViews(session: Session): vscode.Disposable {
  const bar = vscode.window.createStatusBarItem('themis.status', vscode.StatusBarAlignment.Right, 10);
  bar.name = 'Themis Review';
  bar.command = 'themis.showStatus';
  const language = vscode.languages.createLanguageStatusItem('themis.status', documentFilters());
  language.name = 'Themis Review';
  language.command = { command: 'themis.showStatus', title: 'Details' };
  const update = (state: State): void => {
    const look = lookOf(state);
    bar.text = `$(${look.icon}) Themis`;
    bar.tooltip = `Themis: ${look.text}\n${look.detail}`;
    bar.accessibilityInformation = { label: `Themis ${look.text}` };
    bar.backgroundColor = look.severity === 'error' ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    language.text = `Themis: ${look.text}`;
    language.detail = look.detail;
    language.severity = SEVERITIES[look.severity];
    language.busy = look.isBusy;
    void vscode.commands.executeCommand('setContext', 'themis.phase', state.phase);
    void vscode.commands.executeCommand('setContext', 'themis.isRunning', state.phase === 'running');
  };
  update(session.state);
  bar.show();
  return vscode.Disposable.from(bar, language, session.onDidChange(update));
}
