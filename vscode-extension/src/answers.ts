/** What is sent where a person says that a finding is right or wrong; see lsp_server/answering.py. */

/** As `themis feedback` has it. */
export type Verdict = 'good' | 'bad';

interface Place {
  readonly line: number;
  readonly character: number;
}

/** The server's command, and its arguments for the one finding of the function at a place. */
export function answerAt(uri: string, verdict: Verdict, { line, character }: Place): [string, string, Verdict, Place] {
  return ['themis.feedback', uri, verdict, { line, character }];
}
