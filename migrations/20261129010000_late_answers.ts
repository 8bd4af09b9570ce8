import { type Kysely, sql } from 'kysely';

/**
 * Answers may be stored late, and come from replicas that lag. The one that counts is found by the fence of the start
 * that requested it. The transaction, each task and each attempt has its own fence, because one answer may omit what
 * another says. An attempt whose time was changed is also recognised by its former times.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Null `answer_fence` or `list_fence` = the transaction's fence. Null `attempt_fences` = the task's fence for all
  // attempts.
  await sql`alter table transactions add column answer_fence bigint`.execute(db);
  await sql`alter table tasks add column answer_fence bigint, add column list_fence bigint, add column attempt_fences bigint[]`.execute(
    db,
  );
  await sql`alter table attempts add column former_times timestamptz[] not null default '{}'`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table attempts drop column former_times`.execute(db);
  await sql`alter table tasks drop column answer_fence, drop column list_fence, drop column attempt_fences`.execute(db);
  await sql`alter table transactions drop column answer_fence`.execute(db);
}
