/** All that is known of the workspace's changes, as the Changes view and the report page show it. */

import { type FunctionReview, type Report, type Scored, riskOf, scoresOf } from './report';

/** What the server says of one workspace folder. `root`: URI that the report's paths are relative to. */
export interface FolderReview {
  readonly folder: string;
  readonly root: string;
  readonly report: Report;
}

export interface ChangedFunction {
  readonly review: FunctionReview;
  readonly scores: readonly Scored[];
  readonly risk: number;
}

/** A changed file. uri: normalised. folder: the URI of its workspace folder, where that is known. */
export interface ChangedFile {
  readonly uri: string;
  readonly path: string;
  readonly folder: string | undefined;
  readonly functions: readonly ChangedFunction[];
  readonly risk: number;
}

interface Known {
  readonly path: string;
  readonly folder: string | undefined;
  readonly report: Report;
}

/**
 * The latest review of each file. A review of the whole workspace replaces everything; one of a document replaces what
 * was known of that document.
 */
export class Changes {
  private known = new Map<string, Known>();
  private folders: readonly FolderReview[] = [];

  /** @param normal how URIs are written, so that those of server and editor are equal where they name one file. */
  constructor(private readonly normal: (uri: string) => string) {}

  /** The workspace was reviewed. */
  takeWorkspace(folders: readonly FolderReview[]): void {
    this.folders = folders;
    this.known = new Map();
    for (const { folder, root, report } of folders) {
      for (const path of new Set(report.functions.map((each) => each.path))) {
        this.known.set(this.normal(join(root, path)), { path, folder, report });
      }
    }
  }

  /** A document was reviewed; null: it has no changes that can be judged. */
  takeDocument(uri: string, report: Report | null): void {
    const key = this.normal(uri);
    const path = report?.functions[0]?.path;
    if (report === null || path === undefined) this.known.delete(key);
    else this.known.set(key, { path, folder: this.known.get(key)?.folder, report });
  }

  /** Nothing is known any more. */
  clear(): void {
    this.takeWorkspace([]);
  }

  /** The last review of the workspace, a folder each: for what it says beside the files. */
  get workspace(): readonly FolderReview[] {
    return this.folders;
  }

  /** The changed files, those that ask most to be looked at first. */
  files(): ChangedFile[] {
    const files = [...this.known].map(([uri, { path, folder, report }]) => {
      const functions = report.functions
        .filter((review) => review.path === path)
        .map((review) => changedFunction(review, report))
        .sort((one, other) => other.risk - one.risk || lineOf(one) - lineOf(other));
      return { uri, path, folder, functions, risk: Math.max(-1, ...functions.map((each) => each.risk)) };
    });
    return files.sort((one, other) => other.risk - one.risk || (one.path < other.path ? -1 : 1));
  }
}

/** How many findings there are; axes that one criterion serves count as one. */
export function countFindings(files: readonly ChangedFile[]): number {
  const scores = files.flatMap((file) => file.functions.flatMap((each) => each.scores));
  return scores.filter((each) => each.isFinding).length;
}

function changedFunction(review: FunctionReview, report: Report): ChangedFunction {
  const scores = scoresOf(review, report);
  return { review, scores, risk: riskOf(scores) };
}

function lineOf(changed: ChangedFunction): number {
  return (changed.review.head_lines ?? changed.review.base_lines ?? [0])[0];
}

function join(root: string, path: string): string {
  return `${root.replace(/\/+$/, '')}/${path.split('/').map(encodeURIComponent).join('/')}`;
}
