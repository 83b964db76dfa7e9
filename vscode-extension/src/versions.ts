/** Which servers this client speaks with, and what `themis-lsp --check` says. */

export const OLDEST_SERVER = '0.1.0';

/** Whether a server of this version is too old. One that does not say is not. */
export function isTooOld(version: string | undefined, oldest = OLDEST_SERVER): boolean {
  const found = numbers(version);
  const asked = numbers(oldest);
  if (found === undefined || asked === undefined) return false;
  for (let at = 0; at < asked.length; at++) {
    const difference = (found[at] ?? 0) - asked[at]!;
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** What `--check` prints: a line each, a key and what there is to say of it. */
export interface Checked {
  readonly version: string | undefined;
  /** The lines that name a fault, worded for people. */
  readonly lines: ReadonlyMap<string, string>;
}

/** Reads the output of `themis-lsp --check`; what is no such output has no version. */
export function parseCheck(output: string): Checked {
  const lines = new Map<string, string>();
  for (const line of output.split(/\r?\n/)) {
    const match = /^([a-z-]+) +(\S.*)$/.exec(line);
    if (match) lines.set(match[1]!, match[2]!);
  }
  return { version: /^\d[^,\s]*/.exec(lines.get('themis-lsp') ?? '')?.[0], lines };
}

function numbers(version: string | undefined): number[] | undefined {
  const match = /^(\d+(?:\.\d+)*)/.exec(version ?? '');
  return match?.[1]?.split('.').map(Number);
}
