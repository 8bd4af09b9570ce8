import { sql } from 'kysely';
import { beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/database.ts';
import { asAdmin, atEnd, createTestDatabase } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { appRole, asRole } from '../support/roles.ts';

/** What a database or a role may have been set to for other programs, each of which changes what a query answers. */
const foreign = {
  datestyle: 'SQL, DMY',
  timezone: 'America/New_York',
  intervalstyle: 'iso_8601',
  extra_float_digits: '-10',
  bytea_output: 'escape',
  standard_conforming_strings: 'off',
  default_transaction_isolation: 'serializable',
  statement_timeout: '500ms',
  idle_in_transaction_session_timeout: '500ms',
  idle_session_timeout: '500ms',
} as const;

const list = Object.entries(foreign);
/** A database that has them itself, or for the program's role. @returns its URL. */
async function createForeign(whose: 'database' | 'role'): Promise<string> {
  const created = await createTestDatabase();
  const database = `database ${new URL(created).pathname.slice(1)}`;
  const where = whose === 'role' ? `role ${appRole} in ${database}` : database;
  await asRole(asAdmin(created), ...list.map(([key, value]) => `alter ${where} set ${key} = '${value}'`));
  const [found] = await asRole<Record<string, string>>(
    created,
    `select ${list.map(([key]) => `current_setting('${key}') as ${key}`).join(', ')}`,
  );
  expect(found).toEqual(foreign);
  return created;
}

let url: string;
beforeAll(async () => {
  url = await createForeign('database');
});

test.each(['database', 'role'] as const)('settings of the %s change nothing, on any connection', async (whose) => {
  const db = openDatabase(await createForeign(whose), { queryTimeoutMs: 5_000 });
  atEnd(db.close);
  const text = `select now() as now, interval '90 minutes' as span, '\\x00ff'::bytea as bytes, 0.1::float8 + 0.2 as sum,
    'a\\nb' as backslash, ${list.map(([key]) => `current_setting('${key}') as ${key}`).join(', ')}, pg_sleep(0.55)::text`;
  const { client, end } = await db.connect();
  const dedicated = (await client.query<Record<string, unknown>>(text)).rows[0];
  await end();
  const pooled = (await sql.raw<Record<string, unknown>>(text).execute(db.kysely)).rows[0];
  const same = {
    now: expect.any(Date) as Date,
    span: expect.objectContaining({ hours: 1, minutes: 30 }) as object,
    bytes: Buffer.from([0, 255]),
    sum: 0.1 + 0.2,
    backslash: 'a\\nb',
    timezone: 'UTC',
    default_transaction_isolation: 'read committed',
    idle_in_transaction_session_timeout: '0',
    idle_session_timeout: '0',
  };
  expect(pooled).toMatchObject({ ...same, statement_timeout: '4s' });
  expect(dedicated).toMatchObject({ ...same, statement_timeout: '0' });
});

test('a lock_timeout that somebody gave is kept, else ours counts', async () => {
  const given = new URL(url);
  given.searchParams.set('options', '-c lock_timeout=7s');
  for (const [address, expected] of [
    [url, '30s'],
    [given.toString(), '7s'],
  ] as const) {
    const db = openDatabase(address, { lockTimeoutMs: 30_000 });
    atEnd(db.close);
    const { rows } = await sql`select current_setting('lock_timeout') as it`.execute(db.kysely);
    expect(rows).toEqual([{ it: expected }]);
    const { client, end } = await db.connect();
    expect((await client.query(`select current_setting('lock_timeout') as it`)).rows).toEqual([{ it: expected }]);
    await end();
  }
});

test('nor for commands', async () => {
  const environment = await createCliEnvironment({ DATABASE_URL: url });
  for (const args of [['enqueue', 't-1'], ['status'], ['explain', 't-1'], ['report', '2026-10'], ['doctor']])
    expect(await runCli(args, environment), args.join(' ')).toMatchObject({ code: 0 });
});
