import assert from 'node:assert/strict';
import { test } from 'node:test';

import { axisRow, bySureness, fileRow, functionRow } from '../src/labels';
import { Changes, countFindings } from '../src/model';
import { placeOf, scoresOf } from '../src/report';
import { finding, report, reviewed, score } from './samples';

const ROOT = 'file:///home/me/my%20shop';

function changes(...functions: Parameters<typeof report>): Changes {
  const model = new Changes((uri) => uri);
  model.takeWorkspace([{ folder: ROOT, root: ROOT, report: report(...functions) }]);
  return model;
}

test('functions with findings come first, then those that are likelier worse, then those without scores', () => {
  const model = changes(
    [
      reviewed('calm', { axes: { security: score('unsure', 0.6) } }),
      reviewed('new', { note: 'new', base_lines: null }),
      reviewed('doubtful', { axes: { security: score('unsure', 0.2) } }),
      reviewed('bad', { axes: { correctness: score('worse', 0.3) } }),
    ],
    { findings: [finding('bad')] },
  );
  const [file] = model.files();
  assert.deepEqual(file?.functions.map((each) => each.review.name), ['bad', 'doubtful', 'calm', 'new']);
  assert.equal(countFindings(model.files()), 1);
});

test('an axis on which the model never speaks has no number and moves no function up', () => {
  const silent = score('unsure', 0.01, { speaks: false, criterion: 'two' });
  const [file] = changes([
    reviewed('seemingly', { axes: { correctness: score('unsure', 0.7), security: silent } }),
    reviewed('doubtful', { axes: { correctness: score('unsure', 0.6) } }),
  ]).files();
  assert.deepEqual(file?.functions.map((each) => each.review.name), ['doubtful', 'seemingly']);
  const [, row] = file.functions[1]!.scores.map(axisRow);
  const ordered = [...file.functions[1]!.scores].reverse().sort(bySureness);
  assert.deepEqual(ordered.map((each) => each.score.speaks), [true, false]);
  assert.equal(row?.description, 'the model does not speak on this axis');
});

test('files follow their riskiest function, and have URIs in which every sign is safe', () => {
  const model = changes([
    reviewed('one', { path: 'a/calm.py', axes: { security: score('unsure', 0.9) } }),
    reviewed('two', { path: 'b/50 %#.py', axes: { security: score('unsure', 0.1) } }),
  ]);
  assert.deepEqual(model.files().map((each) => each.uri), [`${ROOT}/b/50%20%25%23.py`, `${ROOT}/a/calm.py`]);
});

test('a review of a document replaces that document alone, and an empty one removes it', () => {
  const model = changes([reviewed('one', { path: 'a.py' }), reviewed('two', { path: 'b.py' })]);
  model.takeDocument(`${ROOT}/a.py`, report([reviewed('other', { path: 'a.py' })]));
  const names = model.files().flatMap((file) => file.functions.map((each) => each.review.name));
  assert.deepEqual(names.sort(), ['other', 'two']);
  assert.equal(model.files().find((each) => each.path === 'a.py')?.folder, ROOT);
  model.takeDocument(`${ROOT}/a.py`, null);
  assert.deepEqual(model.files().map((each) => each.path), ['b.py']);
});

test('axes that one criterion serves are one score and one finding', () => {
  const axes = { readability: score('worse', 0.1), maintainability: score('worse', 0.1), security: score('unsure', 0.5, { criterion: 'two' }) };
  const said = report([reviewed('f', { axes })], {
    findings: [finding('f', { axis: 'readability' }), finding('f', { axis: 'maintainability' })],
  });
  const scores = scoresOf(said.functions[0]!, said);
  assert.deepEqual(scores.map((each) => [each.axes.join('+'), each.isFinding]), [['readability+maintainability', true], ['security', false]]);
});

test('of two functions with one name only the one around the finding has it', () => {
  const axes = { correctness: score('worse', 0.1) };
  const said = report(
    [reviewed('f', { axes }), reviewed('f', { axes, head_lines: [31, 39], hunks: [] })],
    { findings: [finding('f', { start_line: 33 })] },
  );
  assert.deepEqual(said.functions.map((each) => scoresOf(each, said)[0]?.isFinding), [false, true]);
});

test('a withheld finding is told with its reason and does not count', () => {
  const said = [reviewed('f', { axes: { correctness: score('worse', 0.1) } })];
  const model = changes(said, { withheld: [{ ...finding('f'), reason: 'ignored by a comment' }] });
  const [file] = model.files();
  const [changed] = file!.functions;
  assert.equal(countFindings(model.files()), 0);
  assert.equal(axisRow(changed!.scores[0]!).description, 'worse, P 90 % · ignored by a comment');
  assert.equal(functionRow(changed!).mark, 'unsure' as const);
  assert.equal(functionRow(changed!).description, 'ignored by a comment');
  assert.equal(functionRow(changed!).context, 'function');
});

test('rows say file, folder, verdict and probability', () => {
  const model = changes([reviewed('f', { axes: { correctness: score('worse', 0.07) } })], { findings: [finding('f')] });
  const [file] = model.files();
  assert.deepEqual([fileRow(file!, 'shop').label, fileRow(file!, 'shop').description], ['cart.py', 'shop/src · 1 finding']);
  const row = functionRow(file!.functions[0]!);
  assert.deepEqual([row.label, row.description, row.mark, row.context], ['f', 'correctness worse, P 93 %', 'worse', 'function.finding']);
});

test('a row shows what could turn text around, and does not do it', () => {
  const model = changes([reviewed('f\u202e\u0007', { path: 'a\u2066b.py' })]);
  const [file] = model.files();
  assert.equal(fileRow(file!, undefined).label, 'a\\u2066b.py');
  assert.equal(functionRow(file!.functions[0]!).label, 'f\\u202e\\x07');
});

test('the place of a function is its first hunk, or itself where hunks are elsewhere, or nothing if it is gone', () => {
  assert.deepEqual(placeOf(reviewed('f')), [13, 14]);
  assert.deepEqual(placeOf(reviewed('f', { hunks: [] })), [11, 19]);
  assert.deepEqual(placeOf(reviewed('f', { hunks: [{ base_start: 3, base_count: 9, head_start: 15, head_count: 0 }] })), [15, 15]);
  assert.equal(placeOf(reviewed('f', { head_lines: null })), null);
});
