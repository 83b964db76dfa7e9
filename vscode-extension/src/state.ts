/** What the status bar says, from what is known of the server. */

import { whereFrom, type Origin } from './discovery';
import { visible } from './visible';

/** What `themis/statusChanged` says. */
export interface ServerStatus {
  readonly state: 'ready' | 'busy' | 'problem';
  readonly problem: string | null;
  readonly bundle: { readonly name: string; readonly sha256: string } | null;
}

export type Phase = 'starting' | 'running' | 'missing' | 'installing' | 'stopped' | 'failed';

export interface State {
  readonly phase: Phase;
  readonly origin?: Origin;
  readonly version?: string;
  readonly status?: ServerStatus;
  /** Why it failed, in one line. */
  readonly failure?: string;
}

/** How the state looks. `severity` as the language status item has it. */
export interface Look {
  readonly icon: string;
  readonly text: string;
  readonly detail: string;
  readonly severity: 'information' | 'warning' | 'error';
  readonly isBusy: boolean;
}

export function lookOf(state: State): Look {
  const calm = { severity: 'information', isBusy: false } as const;
  switch (state.phase) {
    case 'starting':
      return { icon: 'loading~spin', text: 'starting', detail: 'The language server is starting', severity: 'information', isBusy: true };
    case 'installing':
      return { icon: 'loading~spin', text: 'being installed', detail: 'The language server is being installed', severity: 'information', isBusy: true };
    case 'missing':
      return { icon: 'cloud-download', text: 'not installed', detail: 'There is no language server yet', severity: 'warning', isBusy: false };
    case 'stopped':
      return { icon: 'circle-slash', text: 'stopped', detail: 'The language server does not run', ...calm };
    case 'failed':
      return { icon: 'error', text: 'failed', detail: visible(state.failure ?? 'The language server failed'), severity: 'error', isBusy: false };
    case 'running':
      return running(state);
  }
}

function running(state: State): Look {
  const status = state.status;
  const model = status?.bundle ? `${status.bundle.name} (${status.bundle.sha256.slice(0, 8)})` : 'loaded on first need';
  const where = state.origin === undefined ? '' : ` from ${whereFrom(state.origin)}`;
  const detail = visible(`Server ${state.version ?? 'of unknown version'}${where}; model ${model}`);
  switch (status?.state) {
    case 'busy':
      return { icon: 'sync~spin', text: 'reviewing', detail, severity: 'information', isBusy: true };
    case 'problem':
      return { icon: 'info', text: 'nothing to say', detail: visible(status.problem ?? detail), severity: 'warning', isBusy: false };
    default:
      return { icon: 'law', text: 'ready', detail, severity: 'information', isBusy: false };
  }
}
