/**
 * What happens to a job that failed.
 * - `retry`: it may pass. It is tried again with backoff until its attempts are used up, then parked as failed.
 * - `later`: the failure is not the job's fault. It is tried again without using up an attempt.
 * - `never`: it cannot pass. It is parked as failed at once.
 */
type JobEnd = 'retry' | 'later' | 'never';

export type ErrorEntry = {
  readonly job: JobEnd;
  /** Exit code of a command: 1 failed, 2 usage or configuration, 3 refused because something blocks it. */
  readonly exit: 1 | 2 | 3;
  /** HTTP status and title. Without them the response is a 500 that names only `internal`. */
  readonly http?: readonly [status: number, title: string];
  /** `true` = the store of documents cannot be used, whatever the file: files wait until it can. */
  readonly isOfStore?: true;
  /** `true` = the vendor is down, not one request wrong: many of them in a row pause all work. */
  readonly isOutage?: true;
  /** What an operator does about it. */
  readonly hint: string;
};
