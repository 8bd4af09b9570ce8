import { type Kysely, sql } from 'kysely';

/** The books' own ID, which a restored copy of them has, too. Where reports are published in a bucket, it says whose they are. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table books (
      only_row boolean primary key default true check (only_row),
      id uuid not null default gen_random_uuid()
    )`.execute(db);
  await sql`insert into books default values`.execute(db);
  await sql`
    create trigger refuse_change before update or delete or truncate on books
    for each statement execute function refuse_change()`.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table books`.execute(db);
}
