import type { Queries } from '../../db/database.ts';
import { meetsAll } from '../../db/errors.ts';
import { type FetchedFiles, recordFiles } from '../../db/files.ts';
import { type Started, type StartRequest, startObligations, type Wake } from '../../db/obligations.ts';
import type { ObligationKind } from '../../db/schema.ts';
import { type FetchedTransaction, recordFetched } from '../../db/record-fetched.ts';
import { inBatches } from './batch.ts';
import { leaseMs, type Queues } from './queues.ts';

/** What jobs note and whom they wake, those of a process together: one statement and one commit for many of them. */
export type Writes = {
  /** @returns what was begun. */
  readonly start: (request: StartRequest) => Promise<ReadonlyMap<ObligationKind, Started>>;
  readonly recordFetched: (fetched: FetchedTransaction) => Promise<Wake[] | undefined>;
  readonly recordFiles: (fetched: FetchedFiles) => Promise<void>;
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
 * Little beside the time that a worker with all hands full needs for the files of one transaction. Jobs that end together
 * begin together, too: fewer and larger batches of starts as well.
 */
const filesSpacingMs = 25;

/** @param queues whose jobs are added together, too. */
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
    recordFiles: inBatches(
      unanswered((fetched: readonly FetchedFiles[]) => recordFiles(db, fetched)),
      { keyOf: ({ transactionId, kind }) => `${transactionId} ${kind}`, isShared, spacingMs: filesSpacingMs },
    ),
    wake: inBatches(
      unanswered((wakes: readonly (readonly Wake[])[]) => queues.wakeForNew(wakes.flat())),
      { keyOf: ([wake]) => wake?.transactionId ?? '', isShared: () => true },
    ),
  };
}
