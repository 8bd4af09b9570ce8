import { type Kysely, sql } from 'kysely';

/** Parts of usage statements that fit into a page stay in their rows: written out of line they take twice as long. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table vendor_usage_parts set (toast_tuple_target = 8160)`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table vendor_usage_parts reset (toast_tuple_target)`.execute(db);
}
