import { type Kysely, sql } from 'kysely';

/**
 * Tasks about which the vendor's counters and the own counts may say different things are few. Reports, metrics and
 * notifications find them by this index among the tasks of all months. Postgres cannot guess how few they are: it keeps
 * statistics of an expression, and of this one only if it is not taken for three conditions, hence `coalesce`.
 */
const inDisagreement = `
  coalesce(vendor_attempts <> own_attempts or vendor_attempts_invoiced <> own_invoiced or scan_list_missing, false)`;

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index tasks_in_disagreement on tasks (transaction_id, task_type) where ${sql.raw(inDisagreement)}`.execute(
    db,
  );
  await sql`create statistics tasks_in_disagreement on (${sql.raw(inDisagreement)}) from tasks`.execute(db);
  // Autovacuum does so as well, in time. A table that is all but empty is better left alone: from then on Postgres would
  // plan for one that stays small.
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
