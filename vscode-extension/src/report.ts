/** Reports as `themis review --format json` writes them, and what follows from them. Knows no editor. */

export const AXES = ['correctness', 'efficiency', 'readability', 'security', 'maintainability'] as const;
export type Axis = (typeof AXES)[number];
export type Verdict = 'better' | 'worse' | 'unsure';

/**
 * preference: P(head better than base), in [0, 1]. why: the reason where a verdict is unsure against its number.
 * speaks: whether the model is ever sure enough on this axis.
 */
export interface AxisScore {
  readonly criterion: string;
  readonly margin: number;
  readonly preference: number;
  readonly verdict: Verdict;
  readonly why: string | null;
  readonly speaks: boolean;
}

/** A run of changed lines, 1-based; a count of 0 means there is none on that side. */
export interface Hunk {
  readonly base_start: number;
  readonly base_count: number;
  readonly head_start: number;
  readonly head_count: number;
}

/** Lines are 1-based and inclusive; null where the function does not exist on that side. */
export interface FunctionReview {
  readonly path: string;
  readonly language: string;
  readonly name: string;
  readonly kind: string;
  readonly base_lines: readonly [number, number] | null;
  readonly head_lines: readonly [number, number] | null;
  readonly note: string | null;
  readonly axes: Readonly<Partial<Record<Axis, AxisScore>>>;
  readonly hunks: readonly Hunk[];
}

export interface Finding {
  readonly id: string;
  readonly path: string;
  readonly start_line: number;
  readonly end_line: number;
  readonly axis: Axis;
  readonly criterion: string;
  readonly preference: number;
  readonly function: string;
  readonly message: string;
}

export interface Report {
  readonly bundle: { readonly name: string; readonly sha256: string };
  readonly base: string;
  readonly head: string;
  readonly functions: readonly FunctionReview[];
  readonly findings: readonly Finding[];
  readonly withheld: readonly (Finding & { readonly reason: string })[];
  readonly skipped: readonly { readonly path: string; readonly reason: string }[];
  readonly notices: readonly string[];
}

/** A score; `axes` are all that its criterion serves in this function: they are shown as one. */
export interface Scored {
  readonly axes: readonly Axis[];
  readonly score: AxisScore;
  readonly isFinding: boolean;
  /** Why a `worse` is no finding; null if it is one or is not `worse`. */
  readonly withheld: string | null;
}

/** The scores of a function in the order of the axes, those of one criterion as one. */
export function scoresOf(review: FunctionReview, report: Report): Scored[] {
  const shared = new Map<string, Axis[]>();
  for (const axis of AXES) {
    const score = review.axes[axis];
    if (score !== undefined) shared.set(score.criterion, [...(shared.get(score.criterion) ?? []), axis]);
  }
  return [...shared.values()].map((axes) => {
    const score = review.axes[axes[0]!]!;
    const isOurs = (finding: Finding): boolean =>
      finding.path === review.path && finding.function === review.name &&
      finding.criterion === score.criterion && isWithin(finding.start_line, review.head_lines);
    return {
      axes,
      score,
      isFinding: report.findings.some(isOurs),
      withheld: report.withheld.find(isOurs)?.reason ?? null,
    };
  });
}

/** P of the likelier side, in [.5, 1]: how sure the model is. */
export function sureness(score: AxisScore): number {
  return Math.max(score.preference, 1 - score.preference);
}

/** `93 %`, as review_core writes it: never 0 or 100. */
export function percent(value: number): string {
  if (value > 0.99) return '>99 %';
  return value < 0.01 ? '<1 %' : `${Math.round(100 * value)} %`;
}

/** `worse, P 93 %`: the verdict and how likely it is; `unsure, P(better) 40 %` where there is none. */
export function verdictWords({ verdict, preference, speaks }: AxisScore): string {
  if (!speaks) return 'the model does not speak on this axis';
  if (verdict === 'unsure') return `unsure, P(better) ${percent(preference)}`;
  return `${verdict}, P ${percent(verdict === 'worse' ? 1 - preference : preference)}`;
}

/**
 * How much a function asks to be looked at: findings above all, then verdicts, then P(worse) on axes on which the model
 * speaks; below 0 if nothing is known.
 */
export function riskOf(scores: readonly Scored[]): number {
  const risk = ({ isFinding, withheld, score }: Scored): number => {
    const rank = isFinding ? 2 : score.verdict === 'worse' && withheld === null ? 1 : 0;
    return rank + (1 - score.preference);
  };
  return Math.max(-1, ...scores.filter((each) => each.score.speaks).map(risk));
}

/** The first line to look at, 1-based, at head: that of the first hunk inside the function, else its own first. */
export function placeOf(review: FunctionReview): readonly [number, number] | null {
  if (review.head_lines === null) return null;
  const [first, last] = review.head_lines;
  const hunk = review.hunks.find((each) => isWithin(each.head_start, review.head_lines));
  if (hunk === undefined) return [first, last];
  return [hunk.head_start, Math.min(last, hunk.head_start + Math.max(hunk.head_count, 1) - 1)];
}

function isWithin(line: number, lines: readonly [number, number] | null): boolean {
  return lines !== null && lines[0] <= line && line <= lines[1];
}
