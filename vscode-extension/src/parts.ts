/** What commands work with. Made once, in extension.ts. */

import type * as vscode from 'vscode';

import type { Documents } from './documents';
import type { LiveChanges } from './liveChanges';
import type { Locator } from './locate';
import type { ReportPanel } from './reportPanel';
import type { Session } from './session';

export interface Parts {
  readonly extension: vscode.Uri;
  readonly log: vscode.LogOutputChannel;
  readonly locator: Locator;
  readonly session: Session;
  readonly changes: LiveChanges;
  readonly documents: Documents;
  readonly report: ReportPanel;
}
