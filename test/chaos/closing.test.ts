import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { errorCode } from '../../src/errors.ts';
import { closeMonth } from '../../src/jobs/month/close-month.ts';
import type { Context } from '../../src/jobs/context.ts';
import { asOwner, createTestContext } from '../support/books.ts';
import { asRole } from '../support/roles.ts';
import { bookedCosts, misbooked, trueCosts } from '../support/closing-oracle.ts';
import { closeOrFail } from '../support/closing.ts';
import { facts, fetchedOf, register, scan, scanTask } from '../support/facts.ts';
import { isFull, seededRandom } from './world.ts';
import { recordFetched } from '../support/single.ts';
import { noEarlierThan } from '../support/instants.ts';

const writers = 12;
const closers = 3;
const transactions = isFull ? 4_000 : 600;
const runs = isFull ? [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [1, 2];

/** An instant of October or November, either side of what is being closed. */
const instantOf = (random: number) =>
  new Date(Date.parse('2026-10-25T00:00:00Z') + Math.floor(random * 14 * 86_400_000)).toISOString();

/** Writers and closers at once, then a close of the next month. @returns what the closers said. */
async function race(context: Context, seed: number): Promise<string[]> {
  const queries = context.db.kysely;
  const random = seededRandom(seed);
  const plan = Array.from({ length: transactions }, (_, index) => ({ id: `t-${index}`, at: instantOf(random()) }));
  let fence = 0;
  let written = 0;
  const write = async (id: string, at: string, code: string | null) => {
    await register(context.db, id);
    const tasks = [scanTask([scan(at, code)])];
    const of = facts(id, { createdAt: new Date('2026-10-24T20:00:00Z'), completedAt: new Date(at), tasks });
    await recordFetched(queries, fetchedOf(of, { fence: String((fence += 1)) }), 0);
    written += 1;
  };
  const writer = async (number: number) => {
    for (const [index, { id, at }] of plan.entries()) {
      if (index % writers !== number) continue;
      await write(id, at, 'unknown_type_front');
      // Some change their mind a moment later, perhaps on the other side of the close.
      if (index % 3 === 0) await write(id, at, null);
    }
  };
  const closer = async () => {
    while (written < transactions / 4) await delay(5);
    return closeMonth(context, { period: '2026-10', closedBy: 'a test', forcedReason: 'in the thick of it' }).then(
      () => 'closed',
      (error: unknown) => errorCode(error),
    );
  };
  const [outcomes] = await Promise.all([
    Promise.all(Array.from({ length: closers }, closer)),
    Promise.all(Array.from({ length: writers }, (_, number) => writer(number))),
  ]);
  const { rows } = await sql<{ lines: string }>`select count(*) as lines from closed_lines`.execute(queries);
  expect(Number(rows[0]?.lines), 'lines at the time of the close').toBeLessThan(transactions);
  await closeOrFail(context, '2026-11', 'whatever blocks it');
  return outcomes;
}

const books = async () => ({ ...(await createTestContext()), now: noEarlierThan('2026-12-01T00:00:00Z') });

test.each(runs)(
  `seed %i: ${writers} writers and ${closers} closers at once: no line in two reports, none in no report`,
  { timeout: 300_000 },
  async (seed) => {
    const context = await books();
    const outcomes = await race(context, seed);
    expect(outcomes.filter((outcome) => outcome === 'closed')).toHaveLength(1);
    expect(outcomes.filter((outcome) => !['closed', 'close_busy', 'period_closed'].includes(outcome))).toEqual([]);
    expect(await misbooked(context.db.kysely)).toEqual([]);
    const list = context.prices!.content;
    expect(await bookedCosts(context.db.kysely)).toEqual(await trueCosts(context.db.kysely, list, 'UTC'));
  },
);

test('a close that does not note what changes beside it loses lines, and this harness finds them', async () => {
  const context = await books();
  await asRole(
    asOwner(context.config.databaseUrl),
    'create or replace function note_late_changes() returns trigger language plpgsql as $$ begin return null; end $$',
  );
  await race(context, 1);
  expect((await misbooked(context.db.kysely)).length).toBeGreaterThan(10);
});
