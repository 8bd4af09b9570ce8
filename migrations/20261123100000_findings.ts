import { type Kysely, sql } from 'kysely';

/**
 * Notifications and metrics often search all months for disagreements and unclassified attempts. These are few, so
 * partial indexes find them. Also adds which scheduled run of a report finished last, even if another run was requested
 * since.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index tasks_miscounted on tasks (transaction_id) where vendor_attempts_invoiced <> own_invoiced`.execute(db);
  await sql`create index attempts_unclassified on attempts (attempted_at) where invoiced is null`.execute(db);
  await sql`
    alter table report_runs add column scheduled_generation integer, add column scheduled_finished_at timestamptz`.execute(
    db,
  );
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table report_runs drop column scheduled_generation, drop column scheduled_finished_at`.execute(db);
  await sql`drop index attempts_unclassified, tasks_miscounted`.execute(db);
}
