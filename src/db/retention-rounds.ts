import { sql } from 'kysely';
import type { Queries } from './database.ts';
import type { FileKind } from './files.ts';

/** How far retention is with files of a kind. */
export type RetentionRound = {
  readonly kind: FileKind;
  /** Files that it destroyed. */
  readonly destroyed: number;
  /** Transactions that were overdue in the last look through all, and could not be destroyed. */
  readonly left: number;
  /** How long ago the last look through all ended; if none has, how long it has been under way. */
  readonly ageSeconds: number;
};

/** Rounds of the kinds that ever had a retention. */
export async function retentionRounds(db: Queries): Promise<RetentionRound[]> {
  const { rows } = await sql<RetentionRound>`
    select kind, destroyed::float8 as destroyed, left_over as left,
      extract(epoch from clock_timestamp() - coalesce(ended_at, begun_at))::float8 as "ageSeconds"
    from retention_rounds`.execute(db);
  return rows;
}

/** Notes that retention looks through all files of a kind. What it was before the first look that ended counts on. */
export async function beginRetentionRound(db: Queries, kind: FileKind): Promise<void> {
  await sql`insert into retention_rounds (kind) values (${kind}) on conflict do nothing`.execute(db);
}

/** Notes that all files of a kind were looked through. @param left transactions that could not be destroyed. */
export async function endRetentionRound(db: Queries, kind: FileKind, left: number): Promise<void> {
  await sql`
    update retention_rounds set ended_at = clock_timestamp(), left_over = ${left} where kind = ${kind}`.execute(db);
}

/** Adds to the number of destroyed files. */
export async function countDestroyed(db: Queries, kind: FileKind, files: number): Promise<void> {
  await sql`
    insert into retention_rounds (kind, destroyed) values (${kind}, ${files})
    on conflict (kind) do update set destroyed = retention_rounds.destroyed + excluded.destroyed`.execute(db);
}
