import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { thisMachine } from '../src/machine';
import { runToEnd } from '../src/processes';

test('a link out of the workspace does not hide that a program is inside it, nor one into it', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'themis-machine-'));
  context.after(() => rmSync(root, { recursive: true }));
  const workspace = join(root, 'workspace');
  mkdirSync(workspace);
  mkdirSync(join(root, 'elsewhere'));
  writeFileSync(join(workspace, 'program'), '');
  writeFileSync(join(root, 'elsewhere', 'program'), '');
  symlinkSync(join(workspace, 'program'), join(root, 'elsewhere', 'into'));
  symlinkSync(join(root, 'elsewhere', 'program'), join(workspace, 'outof'));
  const machine = thisMachine(() => [workspace]);
  assert.equal(await machine.isInWorkspace(join(workspace, 'program')), true);
  assert.equal(await machine.isInWorkspace(join(root, 'elsewhere', 'into')), true);
  assert.equal(await machine.isInWorkspace(join(workspace, 'outof')), true);
  assert.equal(await machine.isInWorkspace(join(root, 'elsewhere', 'program')), false);
});

test('a folder is no program, nor is a file that may not be run', async (context) => {
  const root = mkdtempSync(join(tmpdir(), 'themis-machine-'));
  context.after(() => rmSync(root, { recursive: true }));
  const machine = thisMachine(() => []);
  const file = join(root, 'file');
  writeFileSync(file, '');
  assert.equal(await machine.isExecutable(root), false);
  assert.equal(await machine.isExecutable(file), false);
  chmodSync(file, 0o755);
  assert.equal(await machine.isExecutable(file), true);
});

test('a program is run to its end, with both its streams; one that is not there is told', async () => {
  const lines: string[] = [];
  const script = "console.log('out'); console.error('err'); process.exit(3)";
  const ended = await runToEnd([process.execPath, '-e', script], tmpdir(), (line) => lines.push(line));
  assert.equal(ended.code, 3);
  assert.deepEqual(lines.sort(), ['err', 'out']);
  await assert.rejects(runToEnd([join(tmpdir(), 'no-such-program')], tmpdir(), () => undefined), /ENOENT/);
});

test('a cancelled program ends', async () => {
  let cancel = (): void => undefined;
  const cancellation = {
    isCancellationRequested: false,
    onCancellationRequested: (listener: () => void) => {
      cancel = listener;
      return { dispose: () => undefined };
    },
  };
  const running = runToEnd([process.execPath, '-e', 'setInterval(() => {}, 1000)'], tmpdir(), () => undefined, cancellation);
  setTimeout(() => cancel(), 50);
  assert.equal((await running).code, null);
});
