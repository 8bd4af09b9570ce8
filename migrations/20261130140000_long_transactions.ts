import { type Kysely, sql } from 'kysely';

/**
 * Finds what a month's days alone do not find: transactions that ended long after they were created, by their end, and
 * tasks that failed. Both are few, so that these indexes cost a worker next to nothing.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index transactions_long on transactions ((coalesce(completed_at, expires_at)))
    where coalesce(completed_at, expires_at) - created_at > interval '24 hours'`.execute(db);
  await sql`create index tasks_failed on tasks (transaction_id) where state = 'failed'`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index tasks_failed, transactions_long`.execute(db);
}
