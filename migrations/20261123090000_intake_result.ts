import { type Kysely, sql } from 'kysely';

/** For which transaction a result ID was delivered is looked up by the result, among all months' requests. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`create index intake_result on intake (result_id) where result_id is not null`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop index intake_result`.execute(db);
}
