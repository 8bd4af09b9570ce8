import { isConnectionFailure, type Queries } from '../db/database.ts';
import { type FilesOutcome, recordFiles } from '../db/files.ts';
import { type ObligationKey, type Started, type StartRequest, startObligations, type Wake } from '../db/obligations.ts';
import { type Outcome, recordOutcomes } from '../db/outcomes.ts';
import { inBatches } from './batch.ts';
import { leaseMs, type Queues } from './queues.ts';

/** What jobs note and whom they wake, those of a process together: one statement and one commit for many of them. */
export type Writes = {
  readonly start: (request: StartRequest) => Promise<Started | undefined>;
  readonly recordOutcome: (outcome: Outcome) => Promise<Wake[] | undefined>;
  readonly recordFiles: (outcome: FilesOutcome) => Promise<void>;
  readonly wake: (wakes: readonly Wake[]) => Promise<void>;
};

const obligationKey = ({ transactionId, kind }: ObligationKey): string => `${transactionId} ${kind}`;

const unanswered =
  <I>(run: (inputs: readonly I[]) => Promise<void>) =>
  async (inputs: readonly I[]): Promise<undefined[]> => {
    await run(inputs);
    return inputs.map(() => undefined);
  };

/** @param queues whose jobs are added together, too. */
export function openWrites(db: Queries, queues: Pick<Queues, 'wakeForNew'>): Writes {
  const isShared = isConnectionFailure;
  const wakeOne = inBatches(unanswered(queues.wakeForNew), {
    keyOf: (wake: Wake) => `${obligationKey(wake)} ${wake.generation}`,
    isShared: () => true,
  });
  return {
    start: inBatches((requests) => startObligations(db, requests, leaseMs), {
      keyOf: ({ wake }) => obligationKey(wake),
      isShared,
    }),
    recordOutcome: inBatches((outcomes) => recordOutcomes(db, outcomes, leaseMs), {
      keyOf: ({ facts }) => facts.transactionId,
      isShared,
    }),
    recordFiles: inBatches(
      unanswered((outcomes: readonly FilesOutcome[]) => recordFiles(db, outcomes)),
      { keyOf: obligationKey, isShared },
    ),
    wake: async (wakes) => {
      await Promise.all(wakes.map(wakeOne));
    },
  };
}
