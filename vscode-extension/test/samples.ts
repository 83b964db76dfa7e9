/** Small reports to test with. */

import type { AxisScore, Finding, FunctionReview, Report } from '../src/report';

export function score(verdict: AxisScore['verdict'], preference: number, more: Partial<AxisScore> = {}): AxisScore {
  return { criterion: 'one', margin: 0, preference, verdict, why: null, speaks: true, ...more };
}

export function reviewed(name: string, more: Partial<FunctionReview> = {}): FunctionReview {
  return {
    path: 'src/cart.py', language: 'Python', name, kind: 'function', base_lines: [1, 9], head_lines: [11, 19], note: null,
    axes: {}, hunks: [{ base_start: 3, base_count: 1, head_start: 13, head_count: 2 }], ...more,
  };
}

export function finding(of: string, more: Partial<Finding> = {}): Finding {
  return {
    id: 'f', path: 'src/cart.py', start_line: 13, end_line: 14, axis: 'correctness', criterion: 'one', preference: 0.1,
    function: of, message: 'correctness: likely worse than base', ...more,
  };
}

export function report(functions: readonly FunctionReview[], more: Partial<Report> = {}): Report {
  return {
    bundle: { name: 'small', sha256: '0123456789abcdef' }, base: 'HEAD', head: 'working tree', functions, findings: [],
    withheld: [], skipped: [], notices: [], ...more,
  };
}
