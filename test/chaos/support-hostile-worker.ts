import { readFile } from 'node:fs/promises';
import { startCli } from '../support/cli.ts';
import type { HostileBooks, ObligationRow } from './support-hostile-books.ts';
import type { Account, Asked, Place } from './support-hostile-vendor.ts';

/** What a worker says of an attempt, or of the end of an obligation. */
export type Said = {
  readonly transactionId: string;
  readonly kind: ObligationRow['kind'];
  /** `null` = it was ended without a failure. */
  readonly code: string | null;
  readonly atMs: number;
};
export type HostileWorker = ReturnType<typeof startWorker>;

/** A lasting worker, as in production, and what it says. */
export function startWorker(books: HostileBooks) {
  const child = startCli(['worker'], { ...books.environment, LOG_LEVEL: 'debug' });
  let log = '';
  child.stderr?.on('data', (bytes: Buffer) => (log += bytes.toString()));
  const memoryKb = async (name: 'VmRSS' | 'VmHWM'): Promise<number> => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]);
  };
  return {
    child,
    log: () => log,
    memoryKb,
    said: (): Said[] =>
      log
        .split('\n')
        .filter((line) => /"(will be tried again|obligation failed|obligation ended)"/.test(line))
        .map((line) => {
          const { transactionId, kind, code, time } = JSON.parse(line) as Said & { time: string };
          return { transactionId, kind, code: code ?? null, atMs: Date.parse(time) };
        }),
  };
}

export const kindAt = { details: 'result', result: 'result', file: 'documents', audit: 'audit_report' } as const;

/**
 * How long it took from the request to the recorded end of the attempt it belongs to, the longest first found.
 *
 * @returns -1 where nothing was recorded.
 */
export function settledMs(
  { transactionId }: Account,
  place: Place,
  asked: readonly Asked[],
  said: readonly Said[],
): number {
  const requests = asked.filter((one) => one.transactionId === transactionId && one.place === place);
  const ends = said.filter((one) => one.transactionId === transactionId && one.kind === kindAt[place]);
  const took = ends.map(({ atMs }) => atMs - (requests.filter((one) => one.atMs <= atMs).at(-1)?.atMs ?? Infinity));
  return Math.max(-1, ...took);
}
