/** Runs a program to its end, its output line by line, until it is cancelled. Knows no editor. */

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

export interface Ended {
  /** null if it was ended by a signal. */
  readonly code: number | null;
  /** Both streams, in the order they came. */
  readonly output: string;
}

export interface Cancellation {
  readonly isCancellationRequested: boolean;
  onCancellationRequested(listener: () => void): { dispose(): void };
}

/** Rejects if the program cannot be started at all. */
export function runToEnd(
  argv: readonly string[],
  directory: string,
  onLine: (line: string) => void,
  cancellation?: Cancellation,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const [command, ...args] = argv;
    const child = spawn(command!, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        onLine(line);
      });
    }
    const listener = cancellation?.onCancellationRequested(() => child.kill());
    if (cancellation?.isCancellationRequested === true) child.kill();
    child.once('error', (error) => {
      listener?.dispose();
      reject(error);
    });
    child.once('close', (code) => {
      listener?.dispose();
      resolve({ code, output: lines.join('\n') });
    });
  });
}
