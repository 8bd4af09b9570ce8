import { beforeAll, expect, test } from 'vitest';
import pg from 'pg';
import { asOwner, atEnd, waitFor } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { asRole } from '../support/roles.ts';

const id = '11111111-2222-4333-8444-555555555555';
let environment: CliEnvironment;

/** Another session, such as somebody's forgotten psql, holds every table that has to do with work and reports. */
beforeAll(async () => {
  environment = await createCliEnvironment();
  expect((await runCli(['enqueue', id], environment)).code).toBe(0);
  const holder = new pg.Client({ connectionString: asOwner(environment['DATABASE_URL']) });
  await holder.connect();
  atEnd(() => holder.end());
  await holder.query(`
    begin; lock table transactions, attempts, obligations, intake, files, report_runs, period_closes, document_store,
      document_verifications, withdrawals in access exclusive mode`);
});

/** The same database with a time limit of its own for locks. */
const impatient = (of = environment): CliEnvironment => {
  const url = new URL(of['DATABASE_URL'] ?? '');
  url.searchParams.set('options', '-c lock_timeout=300');
  return { ...of, DATABASE_URL: url.toString() };
};

test.each(
  [
    ['status'],
    ['enqueue', 'another'],
    ['report', '2026-10'],
    ['report', '2026-10', '--enqueue'],
    ['close', '2026-10'],
    ['explain', id],
    ['reprocess', '--failed'],
    ['withdraw', id, '--reason', 'mistyped'],
    ['documents', 'verify'],
  ].map((args) => ({ args, name: args.join(' ') })),
)('a held lock ends $name with what to look at', async ({ args }) => {
  const { code, stdout, stderr } = await runCli(args, impatient());
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('(database_unavailable)');
  expect(stderr).toMatch(/holds a lock/);
  expect(stderr).toMatch(/pg_blocking_pids.*pg_stat_activity/);
  expect(stderr).not.toMatch(/\n\s+at /);
});

test('doctor says so, too', async () => {
  const { code, stdout } = await runCli(['doctor'], impatient());
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAILED\s+documents\s+.*holds a lock.*\(database_unavailable\)/);
});

test('migrate gives up, too, says who holds the lock, and has changed nothing', async () => {
  const own = await createCliEnvironment();
  const owner = asOwner(own['DATABASE_URL']);
  const tables = () => asRole(owner, `select name from kysely_migration order by 1`);
  const reader = new pg.Client({ connectionString: owner, application_name: 'a forgotten psql' });
  await reader.connect();
  atEnd(() => reader.end());
  await reader.query('begin');
  // Whatever the newest migration is about.
  const lockAll = async () => {
    const { rows } = await reader.query<{ all: string }>(
      `select string_agg(oid::regclass::text, ', ') as all from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'kysely%'`,
    );
    await reader.query(`lock table ${rows[0]!.all}`);
  };
  const { rows } = await reader.query<{ pid: number }>('select pg_backend_pid() as pid');
  await lockAll();
  const before = await tables();
  const { code, stdout, stderr } = await runCli(['migrate', 'down'], impatient({ ...own, DATABASE_URL: owner }));
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain('(database_unavailable)');
  expect(stderr).toMatch(new RegExp(`${rows[0]!.pid} .*a forgotten psql`));
  expect(stderr).toContain(`pg_terminate_backend(${rows[0]!.pid})`);
  expect(await tables()).toEqual(before);
  await reader.query('rollback');
  // The newest may make tables alone; one of three touches what is there.
  for (let times = 0; times < 3; times += 1)
    expect((await runCli(['migrate', 'down'], { ...own, DATABASE_URL: owner })).code).toBe(0);
  const after = await tables();
  await reader.query('begin');
  await lockAll();
  const up = await runCli(['migrate', 'up'], impatient({ ...own, DATABASE_URL: owner }));
  expect(up, up.stderr).toMatchObject({ code: 1, stdout: '' });
  expect(up.stderr).toMatch(new RegExp(`${rows[0]!.pid} .*a forgotten psql`));
  expect(await tables()).toEqual(after);
});

test.each([
  ['SIGTERM', 143, ['enqueue', 'another']],
  ['SIGINT', 130, ['explain', id]],
] as const)('one %s ends a command that waits for a lock, with %i', async (signal, code, args) => {
  const waiting = async () => {
    const found = await asRole(
      asOwner(environment['DATABASE_URL']),
      `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
    );
    return found.length;
  };
  // The sessions of a command that was ended wait on until their limit.
  const before = await waiting();
  const command = startCli(args, environment);
  await waitFor('the command to wait', async () => (await waiting()) > before);
  command.kill(signal);
  expect(await command.result).toMatchObject({ code, stdout: '' });
});
