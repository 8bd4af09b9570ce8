import type { Queries } from '../../src/db/database.ts';
import {
  finishObligations,
  type ObligationKey,
  type Started,
  startObligations,
  type Wake,
} from '../../src/db/obligations.ts';
import { type Outcome, recordOutcomes } from '../../src/db/outcomes.ts';

/** One at a time, what workers write in batches. */
export async function recordOutcome(db: Queries, outcome: Outcome, leaseMs: number): Promise<Wake[] | undefined> {
  return (await recordOutcomes(db, [outcome], leaseMs))[0];
}

export async function startObligation(db: Queries, wake: Wake, leaseMs: number): Promise<Started | undefined> {
  return (await startObligations(db, [{ wake, maxUnfinished: null }], leaseMs))[0];
}

export async function finishObligation(db: Queries, key: ObligationKey, fence: string): Promise<boolean | undefined> {
  return (await finishObligations(db, [{ key, fence }]))[0];
}
