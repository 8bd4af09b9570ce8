import { type Kysely, sql } from 'kysely';

/** Completed transactions whose result ID nobody told: their files cannot be fetched. They are counted at each scrape. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index transactions_missing_result_id on transactions (id) where state = 'completed' and result_id is null`.execute(
    db,
  );
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index transactions_missing_result_id`.execute(db);
}
