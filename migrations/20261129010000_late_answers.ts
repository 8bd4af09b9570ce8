import { type Kysely, sql } from 'kysely';

/**
 * Answers may be stored late, and come from copies that lag. Which of two counts is told by the fence of the start that
 * asked: for the transaction, each task and each attempt by its own, for what one answer omits another one may say. An
 * attempt whose time was changed is known by its former times, too.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Null = that of the latest answer; null = those of the task.
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
