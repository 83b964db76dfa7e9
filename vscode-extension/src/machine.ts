/** The machine that the extension runs on, as discovery asks it. */

import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import * as path from 'node:path';

import type { Machine } from './discovery';

/** @param folders of the workspace, on disk. */
export function thisMachine(folders: () => readonly string[]): Machine {
  return {
    isWindows: process.platform === 'win32',
    path: (process.env.PATH ?? '').split(path.delimiter).filter((each) => each !== ''),
    isExecutable,
    isAbsolute: (file) => path.isAbsolute(file),
    join: (...parts) => path.join(...parts),
    dirname: (file) => path.dirname(file),
    isInWorkspace: async (file) => {
      // Both as it is named and where it leads: a link must hide neither.
      const files = [path.resolve(file), await resolved(file)];
      const inside = folders().flatMap((folder) => [path.resolve(folder)]);
      const real = await Promise.all(folders().map(resolved));
      return [...inside, ...real].some((folder) => files.some((each) => isBelow(each, folder)));
    },
  };
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

async function resolved(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch {
    return path.resolve(file);
  }
}

function isBelow(file: string, folder: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}
