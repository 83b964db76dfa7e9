import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';

import { type Machine, type Wishes, findProgram } from '../src/discovery';

const WISHES: Wishes = {
  command: [],
  interpreter: '/shop/.venv/bin/python',
  privateEnvironment: '/storage/environment',
  isTrusted: true,
};

/** A machine with these programs; the folder /shop is open. */
function machine(programs: readonly string[], more: Partial<Machine> = {}): Machine {
  return {
    isWindows: false,
    path: ['/usr/bin', '/opt/bin'],
    isExecutable: (file) => Promise.resolve(programs.includes(file)),
    isAbsolute: path.posix.isAbsolute,
    join: path.posix.join,
    dirname: path.posix.dirname,
    isInWorkspace: (file) => Promise.resolve(file.startsWith('/shop/')),
    ...more,
  };
}

const EVERYWHERE = ['/shop/.venv/bin/themis-lsp', '/opt/bin/themis-lsp', '/storage/environment/bin/themis-lsp'];

test('the setting wins over all that can be found', async () => {
  const command = ['ssh', 'host', 'themis-lsp'];
  assert.deepEqual(await findProgram(machine(EVERYWHERE), { ...WISHES, command }), { origin: 'setting', argv: command });
});

test('then come the interpreter, the PATH and the private environment, in this order', async () => {
  const origins: (string | undefined)[] = [];
  for (let gone = 0; gone <= EVERYWHERE.length; gone++) {
    origins.push((await findProgram(machine(EVERYWHERE.slice(gone)), WISHES))?.origin);
  }
  assert.deepEqual(origins, ['interpreter', 'path', 'private', undefined]);
});

test('an untrusted workspace does not choose: neither its interpreter nor a program inside it', async () => {
  const untrusted = { ...WISHES, isTrusted: false };
  assert.equal((await findProgram(machine(EVERYWHERE), untrusted))?.origin, 'path');
  const chosen = { ...untrusted, interpreter: '/elsewhere/bin/python' };
  assert.equal(await findProgram(machine(['/elsewhere/bin/themis-lsp']), chosen), undefined);
  const inside = machine(['/shop/bin/themis-lsp'], { path: ['/shop/bin'] });
  assert.equal(await findProgram(inside, untrusted), undefined);
  assert.equal((await findProgram(inside, WISHES))?.origin, 'path');
});

test('a relative entry of the PATH is passed over, in every workspace', async () => {
  assert.equal(await findProgram(machine(['bin/themis-lsp'], { path: ['bin'] }), WISHES), undefined);
});

test('on Windows programs end in .exe and may be in Scripts', async () => {
  const windows = machine(['C:\\py\\Scripts\\themis-lsp.exe'], {
    isWindows: true, path: [], isAbsolute: path.win32.isAbsolute, join: path.win32.join, dirname: path.win32.dirname,
  });
  const found = await findProgram(windows, { ...WISHES, interpreter: 'C:\\py\\python.exe' });
  assert.deepEqual(found, { origin: 'interpreter', argv: ['C:\\py\\Scripts\\themis-lsp.exe'] });
});
