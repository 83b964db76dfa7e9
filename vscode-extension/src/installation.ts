/** How the private environment is made: the commands, in order. Knows no editor and starts nothing. */

import { type Machine, programName, programsOf } from './discovery';

export interface Step {
  /** What the progress bar says. */
  readonly title: string;
  readonly argv: readonly string[];
}

/**
 * `python` is isolated (-I): neither the open folder nor PYTHONPATH can put something in place of venv or pip.
 *
 * @param python an interpreter, the one that the environment will use.
 * @param requirement what pip is asked for; it comes from the user's settings alone.
 */
export function installationSteps(
  machine: Pick<Machine, 'isWindows' | 'join'>,
  environment: string,
  python: readonly string[],
  requirement: string,
): Step[] {
  const programs = programsOf(machine, environment);
  const own = machine.join(programs, programName(machine, 'python'));
  return [
    { title: 'Making an environment', argv: [...python, '-I', '-m', 'venv', '--clear', environment] },
    {
      title: `Installing ${requirement}`,
      argv: [own, '-I', '-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--', requirement],
    },
    { title: 'Checking it', argv: [machine.join(programs, programName(machine)), '--check'] },
  ];
}

/** Whether an interpreter that says this to `--version` is new enough. */
export function isPythonNewEnough(said: string): boolean {
  const match = /Python (\d+)\.(\d+)/.exec(said);
  return match !== null && (Number(match[1]) > 3 || (Number(match[1]) === 3 && Number(match[2]) >= 11));
}
