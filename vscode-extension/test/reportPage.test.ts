import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Changes } from '../src/model';
import { rankingPage, reviewPage } from '../src/pages';
import type { Report } from '../src/report';
import { columnsOf, reportPage } from '../src/reportPage';
import { html, markdown, visible } from '../src/visible';
import { finding, report, reviewed, score } from './samples';

const FRAME = { nonce: 'n0nce', source: 'https://source', style: 'https://style.css', script: 'https://script.js' };

function page(said: Report): ReturnType<typeof reportPage> {
  const changes = new Changes((uri) => uri);
  changes.takeWorkspace([{ folder: 'file:///w', root: 'file:///w', report: said }]);
  return reportPage(changes.files(), [said], FRAME);
}

const HOSTILE = `"><img src=x onerror=alert(1)>'\`&\u202e\u0000`;

test('no text of a repository becomes markup, or acts on its reader', () => {
  const hostile = reviewed(HOSTILE, {
    path: `${HOSTILE}.py`, note: HOSTILE, axes: { security: score('unsure', 0.4, { why: HOSTILE, criterion: HOSTILE }) },
  });
  const { html: text } = page(report([hostile], {
    base: HOSTILE, bundle: { name: HOSTILE, sha256: HOSTILE }, notices: [HOSTILE], skipped: [{ path: HOSTILE, reason: HOSTILE }],
  }));
  assert.doesNotMatch(text, /<img/);
  assert.doesNotMatch(text, /\u202e|\u0000/);
  assert.doesNotMatch(text.replace(/"[^"]*"/g, '""'), /<[^>]*\son\w+=/); // outside quoted values
  assert.match(text, /&#34;&#62;&#60;img/);
  assert.match(text, /\\u202e/);
});

test('the policy allows our style and our script by nonce, and nothing else', () => {
  const { html: text } = page(report([reviewed('f')]));
  assert.match(text, /content="default-src 'none'; style-src https:\/\/source; script-src 'nonce-n0nce'"/);
  assert.equal(text.match(/<script/g)?.length, 1);
  assert.doesNotMatch(text, /<[^>]* on[a-z]+=/);
  assert.doesNotMatch(text, /style="|unsafe/);
});

test('each row has a button that leads to its place, in the order of the places', () => {
  const said = report([
    reviewed('calm', { axes: { security: score('unsure', 0.9) } }),
    reviewed('bad', { axes: { security: score('worse', 0.1) }, head_lines: [31, 39], hunks: [] }),
  ], { findings: [finding('bad', { axis: 'security', start_line: 33 })] });
  const { html: text, places } = page(said);
  assert.deepEqual(places, [{ uri: 'file:///w/src/cart.py', lines: [31, 39] }, { uri: 'file:///w/src/cart.py', lines: [13, 14] }]);
  assert.match(text, /data-place="0">bad</);
  assert.match(text, /data-place="1">calm</);
  assert.match(text, /class="score worse finding"[^>]*><span aria-hidden="true">▼<\/span> 10 %<span class="silent"> worse</);
});

test('axes that one criterion serves throughout are one column, others are not', () => {
  const columns = (axes: Parameters<typeof reviewed>[1]): string[] => {
    const said = report([reviewed('f', axes)]);
    const changes = new Changes((uri) => uri);
    changes.takeDocument('u', said);
    return columnsOf(changes.files().flatMap((each) => each.functions)).map((each) => each.join('+'));
  };
  const one = score('unsure', 0.5);
  const two = score('unsure', 0.5, { criterion: 'two' });
  assert.deepEqual(columns({ axes: { readability: one, maintainability: one, security: two } }), ['readability+maintainability', 'security']);
  assert.deepEqual(columns({ axes: { readability: one, maintainability: two } }), ['readability', 'maintainability']);
});

test('without changes the page says so and has no table', () => {
  const { html: text } = page(report([]));
  assert.doesNotMatch(text, /<table/);
  assert.match(text, /Nothing that differs/);
});

test('what is escaped for HTML and Markdown is still readable', () => {
  assert.equal(html('a < b && "c"'), 'a &#60; b &#38;&#38; &#34;c&#34;');
  assert.equal(visible('tab\tand \u200b zero, \u{e0001} tag'), 'tab\tand \\u200b zero, \\U000e0001 tag');
  assert.doesNotMatch(markdown('[x](command:y) | <b> `z`\n# h'), /[[\]()|<>`\n]/);
});

test('a ranking names the best of each axis, ties as ties, and what was too long', () => {
  const text = rankingPage('Two', {
    axes: [
      { axis: 'security', criterion: 'c', groups: [[1], [0, 2]], preference: 0.91 },
      { axis: 'efficiency', criterion: 'd', groups: [[0, 1, 2]], preference: 0.6 },
    ],
    tooLong: [3],
  }, ['here', 'there', 'elsewhere', 'long']);
  assert.match(text, /\| security \| \*\*there\*\* \| there > here = elsewhere \| 91 % \|/);
  assert.match(text, /\| efficiency \| no clear winner \| here = there = elsewhere \|  \|/);
  assert.match(text, /left out: long\./);
});

test('the review of a selection without changes says so', () => {
  assert.match(reviewPage('x', report([])), /No changed function touches the selection/);
});
