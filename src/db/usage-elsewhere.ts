import { sql } from 'kysely';
import { literal } from './sql-text.ts';
import type { Snapshot } from './snapshot.ts';
import type { MatchScope } from './usage-rest.ts';

/** Notes which of the charged attempts of other months are charged in the statement that counts for another month, too. */
export async function noteOtherStatements(
  { queries }: Snapshot,
  { period }: Pick<MatchScope, 'period'>,
): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(queries);
  const { rows: statements } = await sql<{ id: string }>`
    select max(id) as id from vendor_usage_statements where period <> ${period} group by period`.execute(queries);
  if (statements.length === 0) return;
  await run(`create temporary table usage_outside on commit drop as
    select transaction_id, task_type, ordinal, outside_at from usage_matches where outside_at is not null`);
  await run('analyze usage_outside');
  await run(`
    update usage_matches m set is_elsewhere = true
    from usage_outside o join vendor_usage_rows r on r.transaction_id = o.transaction_id and r.task_type = o.task_type
      and r.statement_id in (${statements.map(({ id }) => literal(id)).join(', ')}) and r.quantity > 0
      and (r.attempt = o.ordinal or (r.attempt is null and date_trunc('second', r.attempted_at) = date_trunc('second', o.outside_at)))
    where m.transaction_id = o.transaction_id and m.task_type = o.task_type and m.ordinal = o.ordinal`);
}
