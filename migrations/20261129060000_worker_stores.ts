import { type Kysely, sql } from 'kysely';

/** Why a worker cannot use its document store; null = it can, or fetches no files. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table worker_heartbeats add column store_error_code text collate "C"`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table worker_heartbeats drop column store_error_code`.execute(db);
}
