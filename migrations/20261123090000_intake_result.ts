import { type Kysely, sql } from 'kysely';

/** For finding the transactions for which a result ID was delivered, among the requests of all months. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index intake_result on intake (result_id) where result_id is not null`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index intake_result`.execute(db);
}
