/** The report as an HTML page: a table of functions by axes. Every text of the repository is escaped. */

import { counted, markOf } from './labels';
import type { ChangedFile, ChangedFunction } from './model';
import { shortName } from './pages';
import { AXES, type Axis, type Report, type Scored, percent, placeOf, verdictWords } from './report';
import { html } from './visible';

/** Where the page's own files are, and what allows them to be used. */
export interface Frame {
  readonly nonce: string;
  readonly source: string;
  readonly style: string;
  readonly script: string;
}

/** A place that the page can ask to be opened. lines: 1-based; null: a function that is gone from head. */
export interface Place {
  readonly uri: string;
  readonly lines: readonly [number, number] | null;
}

export interface Page {
  readonly html: string;
  /** By the index that the page's buttons carry. */
  readonly places: readonly Place[];
}

const SIGNS = { worse: '▼', better: '▲', unsure: '·', none: '' } as const;

/** @param reports the reviews of the workspace's folders, for what they say beside the files. */
export function reportPage(files: readonly ChangedFile[], reports: readonly Report[], frame: Frame): Page {
  const rows = files.flatMap((file) => file.functions.map((changed) => ({ file, changed })));
  const columns = columnsOf(rows.map((row) => row.changed));
  const places = rows.map(({ file, changed }) => ({ uri: file.uri, lines: placeOf(changed.review) }));
  const body = rows.map(({ file, changed }, at) => row(file, changed, columns, at)).join('\n');
  const heads = ['Function', 'File', ...columns.map((axes) => axes.join(', '))];
  const table = rows.length === 0 ? '<p>Nothing that differs from the base can be judged.</p>' : `
<table>
<caption>Functions that differ from the base, those that ask most to be looked at first. Choose a heading to sort.</caption>
<thead><tr>${heads.map(heading).join('')}</tr></thead>
<tbody>
${body}
</tbody>
</table>
<p class="legend">▼ worse, ▲ better, · unsure; the number is P(head is better than base). Only a sure ▼ is a finding.</p>`;
  return {
    places,
    html: `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${html(frame.source)}; script-src 'nonce-${html(frame.nonce)}'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Themis report</title>
<link rel="stylesheet" href="${html(frame.style)}">
</head>
<body>
<main>
<h1>Themis report</h1>
${summary(files, reports)}
${table}
${notes(reports)}
</main>
<p id="sorted" class="silent" role="status"></p>
<script nonce="${html(frame.nonce)}" src="${html(frame.script)}"></script>
</body>
</html>
`,
  };
}

/** The axes that have scores; those that one criterion serves throughout are one column. */
export function columnsOf(functions: readonly ChangedFunction[]): Axis[][] {
  const shared = new Map<string, Axis[]>();
  for (const axis of AXES) {
    const spoke = functions.map((each) => each.review.axes[axis]?.criterion ?? '');
    const key = spoke.join('\n');
    if (spoke.some((each) => each !== '')) shared.set(key, [...(shared.get(key) ?? []), axis]);
  }
  return [...shared.values()];
}

function summary(files: readonly ChangedFile[], reports: readonly Report[]): string {
  const functions = files.flatMap((each) => each.functions);
  const findings = functions.flatMap((each) => each.scores).filter((each) => each.isFinding).length;
  const [first] = reports;
  const against = first === undefined ? '' : ` against ${html(shortName(first.base))}`;
  const model = first === undefined ? '' : `, judged by ${html(first.bundle.name)} (${html(first.bundle.sha256.slice(0, 8))})`;
  return `<p>${counted(functions.length, 'changed function')} in ${counted(files.length, 'file')}${against}${model}: <strong>${counted(findings, 'finding')}</strong>.</p>`;
}

function heading(name: string, at: number): string {
  const kind = at < 2 ? 'text' : 'number';
  return `<th scope="col" data-kind="${kind}"><button type="button">${html(name)}<span aria-hidden="true"></span></button></th>`;
}

function row(file: ChangedFile, changed: ChangedFunction, columns: readonly Axis[][], at: number): string {
  const { review, scores } = changed;
  const line = placeOf(review)?.[0];
  const where = line === undefined ? file.path : `${file.path}:${line}`;
  const note = review.note === null ? '' : ` <span class="note">${html(review.note)}</span>`;
  const cells = columns.map((axes) => cell(scores.find((each) => each.axes.some((axis) => axes.includes(axis)))));
  return (
    `<tr class="${markOf(scores)}">` +
    `<th scope="row" data-value="${html(review.name)}"><button type="button" class="link" data-place="${at}">${html(review.name)}</button>${note}</th>` +
    `<td data-value="${html(`${file.path} ${String(line ?? 0).padStart(9, '0')}`)}">${html(where)}</td>${cells.join('')}</tr>`
  );
}

function cell(scored: Scored | undefined): string {
  if (scored === undefined) return '<td data-value="2"></td>';
  const { score, withheld, isFinding } = scored;
  const mark = withheld === null ? score.verdict : 'unsure';
  const why = withheld ?? score.why ?? (score.speaks ? null : verdictWords(score));
  const title = why === null ? '' : ` title="${html(why)}"`;
  return (
    `<td class="score ${mark}${isFinding ? ' finding' : ''}" data-value="${score.preference}"${title}>` +
    `<span aria-hidden="true">${SIGNS[mark]}</span> ${score.speaks ? html(percent(score.preference)) : ''}` +
    `<span class="silent"> ${html(why === null ? score.verdict : `${score.verdict}: ${why}`)}</span></td>`
  );
}

function notes(reports: readonly Report[]): string {
  const notices = reports.flatMap((each) => each.notices);
  const reasons = new Map<string, number>();
  for (const { reason } of reports.flatMap((each) => each.skipped)) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  const skipped = [...reasons].sort((one, other) => other[1] - one[1]);
  return [
    list('To know', notices),
    list('Not reviewed', skipped.map(([reason, count]) => `${counted(count, 'file')}: ${reason}`)),
  ].join('');
}

function list(title: string, lines: readonly string[]): string {
  if (lines.length === 0) return '';
  return `<h2>${html(title)}</h2><ul>${lines.map((line) => `<li>${html(line)}</li>`).join('')}</ul>`;
}
