import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { startSimulator } from '../../src/simulator/index.ts';
import { asOwner, atEnd, waitFor } from '../support/books.ts';
import { createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { appRole, asRole } from '../support/roles.ts';

const grants = await readFile(new URL('../../ops/postgres-roles.sql', import.meta.url), 'utf8');

test('a worker whose rights are taken away parks nothing, says so in a line, and goes on once they are given back', async () => {
  const simulator = await startSimulator({
    seed: 'rights',
    month: '2026-10',
    transactions: 150,
    latencyMs: 100,
    filesPerResult: 1,
  });
  atEnd(simulator.close);
  const environment = await createCliEnvironment({
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    LOG_LEVEL: 'warn',
  });
  const { DATABASE_URL: url = '' } = environment as Record<string, string>;
  expect(await runCli(['enqueue', '-'], environment, simulator.idsCsv())).toMatchObject({ code: 0 });
  const owner = asOwner(url);
  const count = async (what: string) => Number((await asRole<{ count: string }>(owner, what))[0]?.count);
  const refused = () => count('select xact_rollback as count from pg_stat_database where datname = current_database()');
  const worker = startCli(['worker'], environment);
  await waitFor('work under way', () => simulator.requests.total >= 60, 90_000);
  const before = await refused();
  await asRole(owner, `revoke insert, update, delete on all tables in schema public from ${appRole}`);
  await waitFor('a good many refusals', async () => (await refused()) - before >= 40, 60_000);
  await asRole(owner, grants);
  const open = () =>
    count(`select count(*) from obligations where state <> 'done' or last_error_code like 'database%'`);
  await waitFor('everything to be done', async () => (await open()) === 0, 90_000);
  worker.kill('SIGTERM');
  const { code, stderr } = await worker.result;
  expect(code, stderr).toBe(0);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { code?: string; msg: string });
  expect(lines).toContainEqual(expect.objectContaining({ code: 'database_forbidden', msg: 'waiting for postgres' }));
  expect(lines.length, stderr).toBeLessThan(5);
});
