import { type Kysely, sql } from 'kysely';

/**
 * The condition of an index over the few tasks whose counts may disagree with the vendor's. Reports, metrics and
 * notifications find them by it among the tasks of all months. Postgres learns how few they are from statistics on this
 * expression. It only uses them if the expression is not split into three conditions, hence `coalesce`.
 */
const inDisagreement = `
  coalesce(vendor_attempts <> own_attempts or vendor_attempts_invoiced <> own_invoiced or scan_list_missing, false)`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index tasks_in_disagreement on tasks (transaction_id, task_type) where ${sql.raw(inDisagreement)}`.execute(
    db,
  );
  await sql`create statistics tasks_in_disagreement on (${sql.raw(inDisagreement)}) from tasks`.execute(db);
  // Autovacuum would do this in time as well. An almost empty table is not analysed, because Postgres would then plan
  // for a table that stays small.
  const { rows } = await sql`select from tasks offset 10000 limit 1`.execute(db);
  if (rows.length > 0) await sql`analyze tasks`.execute(db);
  await sql`drop index tasks_miscounted`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index tasks_miscounted on tasks (transaction_id) where vendor_attempts_invoiced <> own_invoiced`.execute(db);
  await sql`drop statistics tasks_in_disagreement`.execute(db);
  await sql`drop index tasks_in_disagreement`.execute(db);
}
