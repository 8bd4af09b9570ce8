import { type RawBuilder, sql } from 'kysely';
import type { Database, Queries } from './database.ts';

/** An ID was taken out of the books. `revivedAt`: when it was put back; `null` = it is still out. */
export type Withdrawal = {
  readonly withdrawnAt: Date;
  readonly withdrawnBy: string;
  readonly reason: string;
  readonly revivedAt: Date | null;
  /** The source of the intake that put it back. */
  readonly revivedBy: string | null;
};

export type WithdrawalWish = {
  readonly transactionId: string;
  readonly withdrawnBy: string;
  readonly reason: string;
};

/** The result of a withdrawal. Only the first one, `withdrawn`, changed anything. */
export type WithdrawalAnswer =
  | { readonly answer: 'withdrawn' | 'already_withdrawn'; readonly withdrawal: Withdrawal }
  /** Never registered. */
  | { readonly answer: 'unknown' }
  /** The vendor has answered for it, so the vendor knows it. */
  | { readonly answer: 'known'; readonly attempts: number }
  /** It is being fetched or will be. */
  | { readonly answer: 'due'; readonly isUnderWay: boolean }
  /** Fetching it failed for another reason than that the vendor does not know it. */
  | { readonly answer: 'failed_otherwise'; readonly code: string | null };

/** The only error that says the vendor does not know a transaction. */
const neverKnown = 'vendor_not_found';

/** Withdraws a transaction that the vendor never knew. Idempotent: an existing withdrawal stays as it is. */
export async function withdrawTransaction(
  { kysely }: Pick<Database, 'kysely'>,
  { transactionId, withdrawnBy, reason }: WithdrawalWish,
): Promise<WithdrawalAnswer> {
  return kysely.transaction().execute(async (db): Promise<WithdrawalAnswer> => {
    // Registering it again or storing an answer also changes this row, so the two wait for each other.
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

/** All withdrawals of a transaction, in order. */
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
 * Whether a transaction is withdrawn, as SQL. A transaction with an answer never is, because an answer on its way may
 * arrive after the withdrawal.
 *
 * @param t the alias of `transactions`, in their present or an earlier state.
 * @param asOf an earlier instant; `null` = now.
 */
export function isWithdrawn(t: string, asOf: Date | null = null): RawBuilder<boolean> {
  const [row, before] = [sql.raw(t), (column: string) => (asOf ? sql`and ${sql.raw(column)} <= ${asOf}` : sql``)];
  return sql<boolean>`(${row}.created_at is null and exists (
    select from withdrawals w where w.transaction_id = ${row}.id ${before('w.withdrawn_at')}
      and not exists (select from withdrawal_revivals r where r.withdrawal_id = w.id ${before('r.revived_at')})))`;
}
