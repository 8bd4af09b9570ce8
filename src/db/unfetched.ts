import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { countWorkers } from './heartbeats.ts';
import { isWithdrawn } from './withdrawals.ts';

/**
 * The time by the clock that stamps registrations. It is finer than ours, so one millisecond is added: no registration
 * is later.
 */
export async function databaseNow(db: Queries): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() + interval '1 millisecond' as now`.execute(db);
  return rows[0]?.now ?? new Date();
}

/** Whether live workers are about to fetch transactions that were registered until an instant and never fetched. */
export async function isBeingFetched(db: Queries, registeredUntil: Date): Promise<boolean> {
  const { rows } = await sql`
    select from transactions t join obligations o on o.transaction_id = t.id and o.kind = 'result' and o.state = 'due'
    where not t.settled and t.created_at is null and t.registered_at <= ${registeredUntil} and not ${isWithdrawn('t')}
    limit 1`.execute(db);
  return rows.length > 0 && (await countWorkers(db)).alive > 0;
}
