/** Makes the private environment: with a progress bar that can be cancelled, and every line in the log. */

import { mkdir, rm } from 'node:fs/promises';
import * as vscode from 'vscode';

import { installationSteps, isPythonNewEnough } from './installation';
import type { Locator } from './locate';
import { runToEnd } from './processes';
import { selectedInterpreter } from './python';
import { wordsOf } from './session';
import { SECTION } from './settings';
import { parseCheck } from './versions';

export type Installed = { readonly version: string } | { readonly failure: string } | 'cancelled';

/** Makes it, or makes it anew. On failure or cancellation nothing is left of it. */
export async function install(locator: Locator, log: vscode.LogOutputChannel): Promise<Installed> {
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: 'Themis: installing the language server',
    cancellable: true,
  };
  return vscode.window.withProgress(options, async (progress, token) => {
    try {
      const installed = await runSteps(locator, log, (message) => progress.report({ message }), token);
      if (typeof installed !== 'object' || 'failure' in installed) await remove(locator);
      return installed;
    } catch (error) {
      await remove(locator);
      return token.isCancellationRequested ? 'cancelled' : { failure: wordsOf(error) };
    }
  });
}

async function runSteps(
  locator: Locator,
  log: vscode.LogOutputChannel,
  say: (message: string) => void,
  token: vscode.CancellationToken,
): Promise<Installed> {
  await mkdir(locator.storage, { recursive: true });
  say('Looking for Python 3.11 or newer');
  const python = await findPython(locator);
  if (python === undefined) {
    return { failure: 'There is no Python 3.11 or newer; install one, or name it in the setting themis.server.python' };
  }
  const requirement = vscode.workspace.getConfiguration(SECTION).get('server.requirement', 'themis-review[cpu,lsp]');
  let output = '';
  for (const step of installationSteps(locator.machine, locator.privateEnvironment, python, requirement)) {
    if (token.isCancellationRequested) return 'cancelled';
    say(step.title);
    log.info(`> ${step.argv.join(' ')}`);
    const ended = await runToEnd(step.argv, locator.storage, (line) => log.info(line), token);
    if (token.isCancellationRequested) return 'cancelled';
    output = ended.output;
    // The check fails in a folder that is no repository, as ours is; what it says of itself is enough.
    const isWell = step.argv.at(-1) === '--check' ? parseCheck(output).version !== undefined : ended.code === 0;
    if (!isWell) return { failure: `${step.title}: ${output.trim().split('\n').at(-1) ?? 'failed'}` };
  }
  return { version: parseCheck(output).version ?? 'unknown' };
}

async function findPython(locator: Locator): Promise<string[] | undefined> {
  const chosen = vscode.workspace.getConfiguration(SECTION).get('server.python', '').trim();
  const selected = vscode.workspace.isTrusted ? await selectedInterpreter() : undefined;
  const candidates = chosen === '' ? [selected, ...(await onPath(locator))] : [chosen];
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    const said = await runToEnd([candidate, '-I', '--version'], locator.storage, () => undefined).catch(() => undefined);
    if (said?.code === 0 && isPythonNewEnough(said.output)) return [candidate];
  }
  return undefined;
}

async function onPath({ machine }: Locator): Promise<string[]> {
  const names = machine.isWindows ? ['python.exe'] : ['python3', 'python3.13', 'python3.12', 'python3.11', 'python'];
  const found: string[] = [];
  for (const name of names) {
    for (const folder of machine.path.filter((each) => machine.isAbsolute(each))) {
      const file = machine.join(folder, name);
      if (!(await machine.isExecutable(file))) continue;
      if (vscode.workspace.isTrusted || !(await machine.isInWorkspace(file))) found.push(file);
    }
  }
  return found;
}

async function remove(locator: Locator): Promise<void> {
  await rm(locator.privateEnvironment, { recursive: true, force: true });
}
