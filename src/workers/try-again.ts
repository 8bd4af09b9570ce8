/** The work of a job must be repeated. */
export class TryAgain extends Error {
  override readonly name = 'TryAgain';
  readonly delayMs: number;
  /** Whether this try uses up one of the job's attempts. */
  readonly counts: boolean;

  constructor(delayMs: number, { counts, cause }: { readonly counts: boolean; readonly cause: Error }) {
    super(cause.message, { cause });
    this.delayMs = delayMs;
    this.counts = counts;
  }
}

/** The work of a job has failed for good. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';
}
