/** How often a server that crashes is started again. */

/** Counts crashes; `clock` gives milliseconds. */
export class Restarts {
  private crashes: number[] = [];

  constructor(
    private readonly clock: () => number,
    private readonly most = 3,
    private readonly withinMilliseconds = 180_000,
  ) {}

  /** Whether to start again after one more crash: not if there were more than `most` in the last minutes. */
  crashed(): boolean {
    const now = this.clock();
    this.crashes = [...this.crashes.filter((at) => now - at < this.withinMilliseconds), now];
    return this.crashes.length <= this.most;
  }

  /** A person asked for a new start: what was does not count any more. */
  forget(): void {
    this.crashes = [];
  }
}
