import type { Queries } from '../../db/database.ts';
import { meetsAll } from '../../db/errors.ts';
import { type FetchedFiles, recordFiles } from '../../db/files.ts';
import { type Started, type StartRequest, startObligations, type Wake } from '../../db/obligations.ts';
import type { ObligationKind } from '../../db/schema.ts';
import { type FetchedTransaction, recordFetched } from '../../db/record-fetched.ts';
import { inBatches } from './batch.ts';
import { leaseMs, type Queues } from './queues.ts';

/**
 * The writes of jobs, and the jobs they enqueue, batched over a process: one statement and one commit serve many jobs.
 */
export type Writes = {
  /** @returns the obligations that were started. */
  readonly start: (request: StartRequest) => Promise<ReadonlyMap<ObligationKind, Started>>;
  readonly recordFetched: (fetched: FetchedTransaction) => Promise<Wake[] | undefined>;
  /** @returns whether it was recorded; `false` = a later start has taken over. */
  readonly recordFiles: (fetched: FetchedFiles) => Promise<boolean>;
  /** @param wakes of one transaction. */
  readonly wake: (wakes: readonly Wake[]) => Promise<void>;
};

const unanswered =
  <I>(run: (inputs: readonly I[]) => Promise<void>) =>
  async (inputs: readonly I[]): Promise<undefined[]> => {
    await run(inputs);
    return inputs.map(() => undefined);
  };

/**
 * Short compared with the time that a fully loaded worker needs for the files of one transaction. Jobs whose writes are
 * committed together also continue together, so their next starts share fewer and larger batches, too.
 */
const filesSpacingMs = 25;

/** @param queues get the jobs, which are batched as well. */
export function openWrites(db: Queries, queues: Pick<Queues, 'wakeForNew'>): Writes {
  const isShared = meetsAll;
  return {
    start: inBatches((requests) => startObligations(db, requests, leaseMs), {
      keyOf: ({ transactionId }) => transactionId,
      isShared,
    }),
    recordFetched: inBatches((fetched) => recordFetched(db, fetched, leaseMs), {
      keyOf: ({ transactionId }) => transactionId,
      isShared,
    }),
    recordFiles: inBatches((fetched: readonly FetchedFiles[]) => recordFiles(db, fetched), {
      keyOf: ({ transactionId, kind }) => `${transactionId} ${kind}`,
      isShared,
      spacingMs: filesSpacingMs,
    }),
    wake: inBatches(
      unanswered((wakes: readonly (readonly Wake[])[]) => queues.wakeForNew(wakes.flat())),
      { keyOf: ([wake]) => wake?.transactionId ?? '', isShared: () => true },
    ),
  };
}
