/** Where the server's program is: the order in which it is looked for. Knows no editor and no disk. */

export type Origin = 'setting' | 'interpreter' | 'path' | 'private';

/** A program that can be started: argv without the options we add. */
export interface Program {
  readonly origin: Origin;
  readonly argv: readonly string[];
}

/** What is asked of the machine; a test has its own. */
export interface Machine {
  readonly isWindows: boolean;
  /** Directories of the PATH, as they stand there. */
  readonly path: readonly string[];
  isExecutable(file: string): Promise<boolean>;
  isAbsolute(file: string): boolean;
  join(...parts: string[]): string;
  dirname(file: string): string;
  /** Whether a file is inside a folder of the workspace, links followed. */
  isInWorkspace(file: string): Promise<boolean>;
}

export interface Wishes {
  /** `themis.server.command`; empty if unset. */
  readonly command: readonly string[];
  /** The interpreter selected in the Python extension, if that is there. */
  readonly interpreter: string | undefined;
  /** The folder of the private environment. */
  readonly privateEnvironment: string;
  readonly isTrusted: boolean;
}

/** The first program there is, or undefined. In an untrusted workspace nothing out of that workspace is one. */
export async function findProgram(machine: Machine, wishes: Wishes): Promise<Program | undefined> {
  if (wishes.command.length > 0) return { origin: 'setting', argv: wishes.command };
  for (const { origin, file } of candidates(machine, wishes)) {
    if (!(await machine.isExecutable(file))) continue;
    if (!wishes.isTrusted && (await machine.isInWorkspace(file))) continue;
    return { origin, argv: [file] };
  }
  return undefined;
}

/** The folder of an environment's programs. */
export function programsOf(machine: Pick<Machine, 'isWindows' | 'join'>, environment: string): string {
  return machine.join(environment, machine.isWindows ? 'Scripts' : 'bin');
}

/** The server's file name. */
export function programName(machine: Pick<Machine, 'isWindows'>, name = 'themis-lsp'): string {
  return machine.isWindows ? `${name}.exe` : name;
}

function* candidates(machine: Machine, wishes: Wishes): Iterable<{ origin: Origin; file: string }> {
  const name = programName(machine);
  if (wishes.isTrusted && wishes.interpreter !== undefined && machine.isAbsolute(wishes.interpreter)) {
    // Beside the interpreter, and where Windows puts an environment's programs if python.exe is above them.
    const folder = machine.dirname(wishes.interpreter);
    yield { origin: 'interpreter', file: machine.join(folder, name) };
    if (machine.isWindows) yield { origin: 'interpreter', file: machine.join(folder, 'Scripts', name) };
  }
  for (const folder of machine.path) {
    // A relative entry would name a program of whatever folder is open.
    if (machine.isAbsolute(folder)) yield { origin: 'path', file: machine.join(folder, name) };
  }
  yield { origin: 'private', file: machine.join(programsOf(machine, wishes.privateEnvironment), name) };
}

const WHERE: Readonly<Record<Origin, string>> = {
  setting: 'the setting themis.server.command',
  interpreter: 'the selected Python interpreter',
  path: 'the PATH',
  private: 'its private environment',
};

/** Where a program comes from, as one writes it. */
export function whereFrom(origin: Origin): string {
  return WHERE[origin];
}
