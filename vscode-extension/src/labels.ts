/** What the Changes view says in each of its rows. */

import type { ChangedFile, ChangedFunction } from './model';
import { type Scored, percent, sureness, verdictWords } from './report';
import { visible } from './visible';

export type Mark = 'worse' | 'better' | 'unsure' | 'none';

/** A row. `context` is what the menus go by. */
export interface Row {
  readonly label: string;
  readonly description: string;
  readonly tooltip: string;
  readonly mark: Mark;
  readonly context: string;
}

export function fileRow(file: ChangedFile, folderName: string | undefined): Row {
  const at = file.path.lastIndexOf('/');
  const folder = [folderName, file.path.slice(0, Math.max(at, 0))].filter(Boolean).join('/');
  const findings = file.functions.flatMap((each) => each.scores).filter((each) => each.isFinding).length;
  const words = findings > 0 ? counted(findings, 'finding') : counted(file.functions.length, 'function');
  return {
    label: visible(file.path.slice(at + 1)),
    description: visible([folder, words].filter(Boolean).join(' · ')),
    tooltip: `${visible(file.path)}: ${words}`,
    mark: findings > 0 ? 'worse' : 'none',
    context: 'file',
  };
}

export function functionRow(changed: ChangedFunction): Row {
  const { review, scores } = changed;
  const isFinding = scores.some((each) => each.isFinding);
  const sure = scores.filter((each) => each.score.verdict !== 'unsure' && each.withheld === null);
  const told = sure.map((each) => `${each.axes.join(', ')} ${verdictWords(each.score)}`);
  const withheld = scores.find((each) => each.withheld !== null)?.withheld;
  const nothing = review.note ?? withheld ?? (scores.length > 0 ? 'unsure' : 'not scored');
  const description = told.length > 0 ? told.join(' | ') : nothing;
  return {
    label: visible(review.name),
    description: visible(description),
    tooltip: visible(`${review.kind} ${review.name}: ${description}`),
    mark: markOf(scores),
    context: review.head_lines === null ? 'function.deleted' : isFinding ? 'function.finding' : 'function',
  };
}

export function axisRow(scored: Scored): Row {
  const { score } = scored;
  const why = scored.withheld ?? score.why;
  const words = verdictWords(score);
  return {
    label: scored.axes.join(', '),
    description: visible(why === null ? words : `${words} · ${why}`),
    tooltip: visible(
      `${scored.axes.join(', ')} ${score.verdict}: P(better) ${percent(score.preference)}, ` +
        `asked as ${score.criterion}${why === null ? '' : `; ${why}`}`,
    ),
    mark: scored.withheld === null ? score.verdict : 'unsure',
    context: scored.isFinding ? 'axis.finding' : 'axis',
  };
}

/** The mark of a function: `worse` if any of its axes is, else `better` if any is. */
export function markOf(scores: readonly Scored[]): Mark {
  if (scores.length === 0) return 'none';
  const verdicts = scores.filter((each) => each.withheld === null).map((each) => each.score.verdict);
  return verdicts.includes('worse') ? 'worse' : verdicts.includes('better') ? 'better' : 'unsure';
}

export function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}

/** Orders axes: those with a verdict first, the surest of them at the top; last those on which the model never speaks. */
export function bySureness(one: Scored, other: Scored): number {
  const rank = ({ score }: Scored): number =>
    score.speaks ? (score.verdict === 'unsure' ? 0 : 1) + sureness(score) : -1;
  return rank(other) - rank(one);
}
