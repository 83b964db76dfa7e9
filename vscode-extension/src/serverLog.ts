/** The server's log: a JSON object a line on stderr. */

export type Level = 'debug' | 'info' | 'warn' | 'error';

export interface LogLine {
  readonly level: Level;
  readonly text: string;
}

const LEVELS: Readonly<Record<string, Level>> = {
  debug: 'debug', info: 'info', warning: 'warn', error: 'error', critical: 'error',
};

const HEAD = ['time', 'level', 'logger', 'process', 'event'];

/** A line as one reads it. What is no JSON, a traceback say, is said as it stands, as a warning. */
export function parseLogLine(line: string): LogLine {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { level: 'warn', text: line };
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return { level: 'warn', text: line };
  const told = parsed as Record<string, unknown>;
  const level = LEVELS[String(told.level)] ?? 'info';
  const more = Object.entries(told).filter(([key]) => !HEAD.includes(key) && key !== 'traceback');
  const words = more.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join('');
  const traceback = typeof told.traceback === 'string' ? `\n${told.traceback}` : '';
  return { level, text: `[${String(told.logger)}] ${String(told.event)}${words}${traceback}` };
}
