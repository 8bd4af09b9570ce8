import { type RawBuilder, sql } from 'kysely';
import type { Database, Queries } from './database.ts';

/** A time that somebody took an ID out of the books. `revivedAt`: since when it is back; `null` = it is out. */
export type Withdrawal = {
  readonly withdrawnAt: Date;
  readonly withdrawnBy: string;
  readonly reason: string;
  readonly revivedAt: Date | null;
  /** Where the intake came from that put it back. */
  readonly revivedBy: string | null;
};

export type WithdrawalWish = {
  readonly transactionId: string;
  readonly withdrawnBy: string;
  readonly reason: string;
};

/** What became of a wish to withdraw; all but the first two changed nothing. */
export type WithdrawalAnswer =
  | { readonly answer: 'withdrawn' | 'already_withdrawn'; readonly withdrawal: Withdrawal }
  /** Never registered. */
  | { readonly answer: 'unknown' }
  /** The vendor answered for it, so it knows it. */
  | { readonly answer: 'known'; readonly attempts: number }
  /** It is being fetched, or will be. */
  | { readonly answer: 'due'; readonly isUnderWay: boolean }
  /** Fetching it failed, and not because the vendor knows no such transaction. */
  | { readonly answer: 'failed_otherwise'; readonly code: string | null };

/** The one error by which the vendor says that it knows no such transaction. */
const neverKnown = 'vendor_not_found';

/** Takes a transaction that the vendor never knew out of the books. Idempotent; what is out stays as it was noted. */
export async function withdrawTransaction(
  { kysely }: Pick<Database, 'kysely'>,
  { transactionId, withdrawnBy, reason }: WithdrawalWish,
): Promise<WithdrawalAnswer> {
  return kysely.transaction().execute(async (db): Promise<WithdrawalAnswer> => {
    // Whoever registers it anew, or stores an answer, changes this row: one waits for the other.
    const { rows: found } = await sql<{ fetched: boolean }>`
      select fetched_at is not null as fetched from transactions where id = ${transactionId} for update`.execute(db);
    if (!found[0]) return { answer: 'unknown' };
    const { rows: counted } = await sql<{ attempts: number }>`
      select count(*)::int as attempts from attempts where transaction_id = ${transactionId}`.execute(db);
    const attempts = counted[0]?.attempts ?? 0;
    if (found[0].fetched || attempts > 0) return { answer: 'known', attempts };
    const { rows: work } = await sql<{ state: string; starts: number; code: string | null }>`
      select state, starts, last_error_code as code from obligations
      where transaction_id = ${transactionId} and kind = 'result' for update`.execute(db);
    const [{ state, starts, code }] = [work[0] ?? { state: 'due', starts: 0, code: null }];
    const [last] = (await withdrawalsOf(db, transactionId)).slice(-1);
    if (state === 'withdrawn' && last) return { answer: 'already_withdrawn', withdrawal: last };
    if (state === 'due') return { answer: 'due', isUnderWay: starts > 0 };
    if (code !== neverKnown) return { answer: 'failed_otherwise', code };
    await sql`
      insert into withdrawals (transaction_id, withdrawn_by, reason)
      values (${transactionId}, ${withdrawnBy}, ${reason})`.execute(db);
    await sql`
      update obligations set state = 'withdrawn', sweep_at = null, generation = generation + 1, fence = fence + 1,
        starts = 0, updated_at = now()
      where transaction_id = ${transactionId} and kind = 'result'`.execute(db);
    const [withdrawal] = (await withdrawalsOf(db, transactionId)).slice(-1);
    if (!withdrawal) throw new RangeError(`the withdrawal of ${transactionId} was not kept`);
    return { answer: 'withdrawn', withdrawal };
  });
}

/** Every time that a transaction was withdrawn, in order. */
export async function withdrawalsOf(db: Queries, transactionId: string): Promise<Withdrawal[]> {
  return db
    .selectFrom('withdrawals as w')
    .leftJoin('withdrawal_revivals as r', 'r.withdrawal_id', 'w.id')
    .select(['w.withdrawn_at as withdrawnAt', 'w.withdrawn_by as withdrawnBy', 'w.reason'])
    .select(['r.revived_at as revivedAt', 'r.revived_by as revivedBy'])
    .where('w.transaction_id', '=', transactionId)
    .orderBy('w.id')
    .execute();
}

/**
 * Whether a transaction is out of the books, as SQL. What the vendor answered for is never out, whatever was noted: an
 * answer that was on its way may have come after a withdrawal.
 *
 * @param t the alias of transactions, present ones or earlier.
 * @param asOf an earlier instant; `null` = now.
 */
export function isWithdrawn(t: string, asOf: Date | null = null): RawBuilder<boolean> {
  const [row, before] = [sql.raw(t), (column: string) => (asOf ? sql`and ${sql.raw(column)} <= ${asOf}` : sql``)];
  return sql<boolean>`(${row}.created_at is null and exists (
    select from withdrawals w where w.transaction_id = ${row}.id ${before('w.withdrawn_at')}
      and not exists (select from withdrawal_revivals r where r.withdrawal_id = w.id ${before('r.revived_at')})))`;
}
