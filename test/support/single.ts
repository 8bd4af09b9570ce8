import type { Queries } from '../../src/db/database.ts';
import { recordFiles } from '../../src/db/files.ts';
import { type ObligationKey, type Started, startObligations, type Wake } from '../../src/db/obligations.ts';
import { recordFetched as recordAllFetched } from '../../src/db/record-fetched.ts';
import { type Answered, fetchedNow } from './facts.ts';

/** One at a time, what workers write in batches. */
export async function recordFetched(db: Queries, answered: Answered, leaseMs: number): Promise<Wake[] | undefined> {
  return (await recordAllFetched(db, [await fetchedNow(db, answered)], leaseMs))[0];
}

export async function startObligation(db: Queries, wake: Wake, leaseMs: number): Promise<Started | undefined> {
  const { kind, ...request } = wake;
  return (await startObligations(db, [{ ...request, kinds: [kind], maxUnfinished: null }], leaseMs))[0]?.get(kind);
}

/** @returns whether it was this start that ended it. */
export async function finishObligation(
  db: Queries,
  { transactionId, kind }: ObligationKey,
  fence: string,
): Promise<boolean> {
  const isEnded = async () => {
    const { state } = await db
      .selectFrom('obligations')
      .select('state')
      .where('transaction_id', '=', transactionId)
      .where('kind', '=', kind)
      .executeTakeFirstOrThrow();
    return state === 'done';
  };
  if (await isEnded()) return false;
  // To Postgres one kind is as good as another.
  await recordFiles(db, [{ transactionId, kind: kind as 'documents', fence, files: [], isDone: true }]);
  return isEnded();
}
