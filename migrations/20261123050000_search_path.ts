import { type Kysely, sql } from 'kysely';

/** Functions of triggers that read or write tables by name. */
const functions = [
  'count_own_attempts',
  'note_late_changes',
  'refuse_line_of_closed_period',
  'keep_attempts',
  'keep_tasks',
  'keep_transactions',
];

/**
 * What triggers look at are the books themselves. Without a path of their own they take a session's temporary tables of
 * the same name first: an empty `period_closes` or `closing_horizon` would have them let everything pass.
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
