/** Answers as Markdown pages: a ranking, and the review of a selection. */

import { type Report, percent, scoresOf } from './report';
import { markdown } from './visible';

/**
 * What `themis/rank` answers. groups: indices of the candidates, the best first; those in one group are ties. function: the
 * one that was compared, null if whole texts were.
 */
export interface Ranking {
  readonly candidates?: readonly string[];
  readonly function?: string | null;
  readonly axes: readonly {
    readonly axis: string;
    readonly criterion: string;
    readonly groups: readonly (readonly number[])[];
    readonly preference: number;
  }[];
  readonly tooLong: readonly number[];
}

/** @param names of the candidates, in their order, where the server's own do not say enough. */
export function rankingPage(title: string, ranking: Ranking, names = ranking.candidates ?? []): string {
  const name = (at: number): string => markdown(names[at] ?? `#${at + 1}`);
  const rows = ranking.axes.map(({ axis, groups, preference }) => {
    const order = groups.map((group) => group.map(name).join(' = ')).join(' > ');
    const best = groups.length > 1 ? `**${(groups[0] ?? []).map(name).join(', ')}**` : 'no clear winner';
    const sure = groups.length > 1 ? percent(preference) : '';
    return `| ${markdown(axis)} | ${best} | ${order} | ${sure} |`;
  });
  const tooLong = ranking.tooLong.map(name).join(', ');
  return [
    `# ${markdown(title)}`,
    '',
    '| Axis | Best | Order (`=`: the model cannot tell) | P(first beats last) |',
    '| --- | --- | --- | ---: |',
    ...rows,
    '',
    ...(tooLong === '' ? [] : [`Longer than the model reads, and left out: ${tooLong}.`, '']),
    (ranking.function ?? null) === null
      ? 'Compared as whole texts. Nothing has left this machine.'
      : `Compared: the function ${markdown(ranking.function ?? '')} alone. Nothing has left this machine.`,
    '',
  ].join('\n');
}

/** The functions of a report with their axes. */
export function reviewPage(title: string, report: Report): string {
  const lines = [`# ${markdown(title)}`, '', `Against ${markdown(shortName(report.base))}.`, ''];
  for (const review of report.functions) {
    const scores = scoresOf(review, report);
    lines.push(`## ${markdown(review.name)}`, '');
    if (review.note !== null) lines.push(markdown(review.note), '');
    if (scores.length === 0) continue;
    lines.push('| Axis | Verdict | P(better) | Why |', '| --- | --- | ---: | --- |');
    for (const { axes, score, withheld } of scores) {
      const verdict = score.verdict === 'unsure' ? score.verdict : `**${score.verdict}**`;
      lines.push(`| ${axes.join(', ')} | ${verdict} | ${percent(score.preference)} | ${markdown(withheld ?? score.why ?? '')} |`);
    }
    lines.push('');
  }
  if (report.functions.length === 0) lines.push('No changed function touches the selection.', '');
  return lines.join('\n');
}

/** A full hash as twelve digits; any other name as it is. */
export function shortName(side: string): string {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(side) ? side.slice(0, 12) : side;
}
