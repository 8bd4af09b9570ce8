/** A job's work is to be done again. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
  readonly delayMs: number;
  /** Whether this attempt is one of those that a job has. */
  readonly counts: boolean;

  constructor(delayMs: number, { counts, cause }: { readonly counts: boolean; readonly cause: Error }) {
    super(cause.message, { cause });
    this.delayMs = delayMs;
    this.counts = counts;
  }
}

/** A job's work has failed for good. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}
