import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';

import { installationSteps, isPythonNewEnough } from '../src/installation';
import { isRead } from '../src/languages';
import { Restarts } from '../src/restarts';
import { parseLogLine } from '../src/serverLog';
import { serverSettings } from '../src/settings';
import { lookOf } from '../src/state';
import { isTooOld, parseCheck } from '../src/versions';

test('a server is started again three times in three minutes, and then not', () => {
  let now = 0;
  const restarts = new Restarts(() => now);
  assert.deepEqual([1, 2, 3, 4].map(() => restarts.crashed()), [true, true, true, false]);
  restarts.forget();
  assert.equal(restarts.crashed(), true);
  now += 180_000;
  assert.deepEqual([1, 2, 3, 4].map(() => restarts.crashed()), [true, true, true, false]);
});

test('the server gets its own settings, nothing empty, and none of ours', () => {
  const values: Record<string, unknown> = { base: 'HEAD~2', model: '', codeLens: false, debounceMilliseconds: 0, 'server.command': ['x'] };
  assert.deepEqual(serverSettings((name) => values[name], true), {
    base: 'HEAD~2', codeLens: false, debounceMilliseconds: 0, trusted: true,
  });
});

test('an untrusted workspace cannot say that it is trusted, and a trusted one may say that it is not', () => {
  assert.equal(serverSettings((name) => (name === 'trusted' ? true : undefined), false).trusted, false);
  assert.equal(serverSettings((name) => (name === 'trusted' ? false : undefined), true).trusted, false);
});

test('versions are compared by number; one that is not told is not too old', () => {
  assert.deepEqual(['0.9.9', '0.10.0', '0.10', '1.0.0rc1', undefined].map((each) => isTooOld(each, '0.10.0')), [true, false, false, false, false]);
});

test('the output of --check is read, and that of something else has no version', () => {
  const checked = parseCheck('themis-lsp    0.1.0, nothing is sent anywhere\ngit           not found; install it\n');
  assert.equal(checked.version, '0.1.0');
  assert.equal(checked.lines.get('git'), 'not found; install it');
  assert.equal(parseCheck('Usage: something else').version, undefined);
});

test('a line of the log keeps its level and its words; what is no JSON is a warning', () => {
  const line = JSON.stringify({ time: 't', level: 'info', logger: 'a.b', process: 1, event: 'reviewed', seconds: 0.5 });
  assert.deepEqual(parseLogLine(line), { level: 'info', text: '[a.b] reviewed seconds=0.5' });
  assert.deepEqual(parseLogLine('Traceback'), { level: 'warn', text: 'Traceback' });
  assert.equal(parseLogLine(JSON.stringify({ level: 'critical', logger: 'x', event: 'y' })).level, 'error');
});

test('every state has a look, and only faults are errors', () => {
  assert.equal(lookOf({ phase: 'failed', failure: 'no\u202e' }).detail, 'no\\u202e');
  assert.equal(lookOf({ phase: 'failed' }).severity, 'error');
  assert.equal(lookOf({ phase: 'running', status: { state: 'busy', problem: null, bundle: null } }).isBusy, true);
  assert.equal(lookOf({ phase: 'running', status: { state: 'problem', problem: 'no repository', bundle: null } }).detail, 'no repository');
  assert.match(lookOf({ phase: 'running', version: '1', origin: 'path' }).detail, /Server 1 from the PATH/);
});

test('the environment is made by an isolated Python, and a requirement cannot be an option', () => {
  const machine = { isWindows: false, join: path.posix.join };
  const steps = installationSteps(machine, '/s/e', ['/usr/bin/python3'], '--index-url=http://x');
  assert.deepEqual(steps[0]?.argv, ['/usr/bin/python3', '-I', '-m', 'venv', '--clear', '/s/e']);
  assert.deepEqual(steps[1]?.argv.slice(0, 4), ['/s/e/bin/python', '-I', '-m', 'pip']);
  assert.deepEqual(steps[1]?.argv.slice(-2), ['--', '--index-url=http://x']);
  assert.deepEqual(steps[2]?.argv, ['/s/e/bin/themis-lsp', '--check']);
});

test('Python 3.11 is new enough, 3.9 and 2.7 are not', () => {
  assert.deepEqual(['Python 3.11.2', 'Python 3.9.1', 'Python 2.7.18', 'Python 4.0.0', ''].map(isPythonNewEnough), [true, false, false, true, false]);
});

test('files are read by their endings or names', () => {
  assert.deepEqual(['a.py', 'A.PY', 'Rakefile', 'x.txt', 'py'].map(isRead), [true, true, true, false, false]);
});
