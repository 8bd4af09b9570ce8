import { sql } from 'kysely';
import type { Queries } from './database.ts';
import { countWorkers } from './heartbeats.ts';
import { isWithdrawn } from './withdrawals.ts';

/** By the clock that notes when IDs come in, which is finer than ours: nothing that is in is later. */
export async function databaseNow(db: Queries): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() + interval '1 millisecond' as now`.execute(db);
  return rows[0]?.now ?? new Date();
}

/** Whether workers are about to fetch what was registered until an instant and was never fetched. */
export async function isBeingFetched(db: Queries, registeredUntil: Date): Promise<boolean> {
  const { rows } = await sql`
    select from transactions t join obligations o on o.transaction_id = t.id and o.kind = 'result' and o.state = 'due'
    where not t.settled and t.created_at is null and t.registered_at <= ${registeredUntil} and not ${isWithdrawn('t')}
    limit 1`.execute(db);
  return rows.length > 0 && (await countWorkers(db)) > 0;
}
