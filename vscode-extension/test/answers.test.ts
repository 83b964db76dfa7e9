import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answerAt } from '../src/answers';

test('an answer names the document, the verdict and the place in plain values', () => {
  class Cursor {
    constructor(readonly line: number, readonly character: number, readonly more = 'what VS Code has beside') {}
  }
  const sent = answerAt('file:///cart.py', 'bad', new Cursor(4, 2));
  assert.deepEqual(JSON.parse(JSON.stringify(sent)), ['themis.feedback', 'file:///cart.py', 'bad', { line: 4, character: 2 }]);
});
