import { sql } from 'kysely';
import type { Context } from '../../src/jobs/context.ts';

/**
 * A clock that stands at an instant, until the machine's own is later: a test that runs years from now finds what Postgres
 * noted in the past, too.
 */
export const noEarlierThan =
  (instant: string): (() => Date) =>
  () =>
    new Date(Math.max(Date.parse(instant), Date.now()));

/** An instant that is later than all that is committed: Postgres counts microseconds, a Date milliseconds. */
export async function instantNow({ db }: Context): Promise<Date> {
  const { rows } = await sql<{ at: Date }>`
    select date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond' as at, pg_sleep(0.002)`.execute(
    db.kysely,
  );
  const [row] = rows;
  if (!row) throw new Error('Postgres has no clock');
  return row.at;
}
