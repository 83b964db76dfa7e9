/** The server's own requests, with their types: see lsp_server/requests.py. */

import type { FolderReview } from './model';
import type { Ranking } from './pages';
import type { Report } from './report';

export interface WorkspaceAnswer {
  readonly reports: readonly FolderReview[];
  readonly problems: readonly { readonly folder: string; readonly message: string }[];
}

export interface RangeAnswer {
  readonly report: Report | null;
  /** Why there is no report. */
  readonly reason: string | null;
}

export interface BaseText {
  readonly name: string;
  readonly text: string;
}

export interface FullStatus {
  readonly version: string;
  readonly state: string;
  readonly problem: string | null;
  readonly jobs: number;
  readonly documents: number;
  readonly bundle: { readonly name: string; readonly sha256: string } | null;
  readonly worker: { readonly pid: number | null; readonly residentBytes: number | null };
}

/** Texts, or an open document against revisions of its file; with a position, only the function there. */
export type RankParams =
  | { readonly texts: readonly string[]; readonly uri?: string }
  | {
      readonly textDocument: { readonly uri: string };
      readonly revisions: readonly string[];
      readonly position?: ProtocolRange['start'];
    };

/** Names of the requests, and what each takes and answers. */
export interface Requests {
  'themis/reviewWorkspace': { params: { uri?: string }; answer: WorkspaceAnswer };
  'themis/reviewRange': { params: { textDocument: { uri: string }; range: ProtocolRange }; answer: RangeAnswer };
  'themis/rank': { params: RankParams; answer: Ranking };
  'themis/baseText': { params: { textDocument: { uri: string } }; answer: BaseText | null };
  'themis/clearCache': { params: object; answer: null };
  'themis/status': { params: object; answer: FullStatus };
}

/** 0-based, in the units of the session: what travels. */
export interface ProtocolRange {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

export const STATUS_CHANGED = 'themis/statusChanged';
