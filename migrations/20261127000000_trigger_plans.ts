import { type Kysely, sql } from 'kysely';

/**
 * A session plans a trigger's statements once, when it first needs them: perhaps while a table is empty, or for a single
 * row, and keeps to that plan when a million rows have come. So these say how they are to be planned. Counting attempts
 * looks up those of the tasks touched, instead of reading all there are; keeping what was before compares two lists of
 * the same rows by a hash, instead of each with each.
 */
const settings = {
  count_own_attempts: ['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'],
  keep_attempts: ['enable_nestloop'],
  keep_tasks: ['enable_nestloop'],
  keep_transactions: ['enable_nestloop'],
};

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const [name, switchedOff] of Object.entries(settings))
    for (const setting of switchedOff)
      await sql`alter function ${sql.ref(name)}() set ${sql.ref(setting)} = off`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  for (const [name, switchedOff] of Object.entries(settings))
    for (const setting of switchedOff)
      await sql`alter function ${sql.ref(name)}() reset ${sql.ref(setting)}`.execute(db);
}
