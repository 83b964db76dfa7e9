/** The settings that the server reads, section `themis`. A test holds them equal to lsp_server/settings.py. */

export const SECTION = 'themis';

export const SERVER_SETTINGS = [
  'base', 'run', 'debounceMilliseconds', 'scope', 'severity', 'codeLens', 'hover', 'inlayHints',
  'model', 'judge', 'trusted', 'idleMinutes', 'memoryMegabytes',
] as const;

/** What decides which program runs, and where it comes from: a change needs another server. */
export const PROGRAM_SETTINGS = ['server.command', 'server.python', 'server.requirement', 'server.logLevel'] as const;

/**
 * The settings as the server expects them: none of our own, nothing empty, and trust only where the editor has it.
 *
 * @param get the value of a setting for the resource asked about.
 */
export function serverSettings(
  get: (name: string) => unknown,
  isTrusted: boolean,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of SERVER_SETTINGS) {
    const value = get(name);
    if (value !== undefined && value !== null && value !== '') values[name] = value;
  }
  values.trusted = isTrusted && values.trusted !== false;
  return values;
}
