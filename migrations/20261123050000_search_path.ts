import { type Kysely, sql } from 'kysely';

/** Trigger functions that refer to tables by name. */
const functions = [
  'count_own_attempts',
  'note_late_changes',
  'refuse_line_of_closed_period',
  'keep_attempts',
  'keep_tasks',
  'keep_transactions',
];

/**
 * Makes trigger functions use the books' own tables. Without a search_path of their own they prefer a session's
 * temporary tables of the same name: an empty `period_closes` or `closing_horizon` would disable their checks.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ schema: string }>`select current_schema() as schema`.execute(db);
  const schema = rows[0]?.schema ?? 'public';
  for (const name of functions)
    await sql`alter function ${sql.ref(name)}() set search_path = ${sql.ref(schema)}, pg_temp`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const name of functions) await sql`alter function ${sql.ref(name)}() reset search_path`.execute(db);
}
