import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, symlink } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { createTestFolder, waitFor } from '../support/books.ts';
import {
  type CliEnvironment,
  createCliEnvironment,
  launcher,
  ownEnvironment,
  runCli,
  startCli,
} from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

type StatusJson = {
  transactions: { total: number; settled: number };
  obligations: { kind: string; state: string; count: number }[];
  reports: { period: string; finishedAt: string | null }[];
};
const statusOf = async (environment: CliEnvironment) =>
  JSON.parse((await runCli(['status', '--json'], environment)).stdout) as StatusJson;

describe('worker', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'on %s in mid-job finishes what runs, takes nothing new, and exits 0',
    async (signal) => {
      const { simulator, vendor } = await withSimulator({ transactions: 120, latencyMs: 100 });
      const environment = await createCliEnvironment(vendor);
      await runCli(['enqueue', '-'], environment, simulator.idsCsv());
      const worker = startCli(['worker'], environment);
      await waitFor('some requests', () => simulator.requests.total > 60);
      worker.kill(signal);
      const { code, stderr } = await worker.result;
      expect(code, stderr).toBe(0);
      const { obligations } = await statusOf(environment);
      const left = obligations.filter(({ state }) => state === 'due').reduce((sum, { count }) => sum + count, 0);
      expect(left).toBeGreaterThan(0);
      expect(obligations.filter(({ state }) => state === 'failed')).toEqual([]);
      await runCli(['worker', '--until-idle'], environment);
      expect((await statusOf(environment)).transactions).toMatchObject({ total: 120, settled: 120 });
    },
  );

  test.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('--until-idle that %s ends before all is done exits %i, not 0', async (signal, exitCode) => {
    const { simulator, vendor } = await withSimulator({ transactions: 120, latencyMs: 100 });
    const environment = await createCliEnvironment(vendor);
    await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    const batch = startCli(['worker', '--until-idle'], environment);
    await waitFor('some requests', () => simulator.requests.total > 60);
    batch.kill(signal);
    const { code, stdout, stderr } = await batch.result;
    expect(code, stderr).toBe(exitCode);
    expect(stdout).toMatch(/^\d+ done, /m);
    expect(stderr).toContain('stays due');
  });

  test('of two installations on one Redis with prefixes of their own does its own work, though IDs are the same', async () => {
    const { simulator, vendor } = await withSimulator({ transactions: 40 });
    const first = await createCliEnvironment({ ...vendor, QUEUE_PREFIX: '{first}' });
    const second = await createCliEnvironment({ ...vendor, QUEUE_PREFIX: '{second}' });
    for (const one of [first, second]) await runCli(['enqueue', '-'], one, simulator.idsCsv());
    expect(await runCli(['worker', '--until-idle'], first)).toMatchObject({ code: 0 });
    expect((await statusOf(first)).transactions).toMatchObject({ total: 40, settled: 40 });
    expect((await statusOf(second)).transactions).toMatchObject({ total: 40, settled: 0 });
    expect(await runCli(['worker', '--until-idle'], second)).toMatchObject({ code: 0 });
    expect((await statusOf(second)).transactions).toMatchObject({ total: 40, settled: 40 });
  });

  test('writes requested and scheduled reports', async () => {
    const { simulator, vendor } = await withSimulator();
    const environment = await createCliEnvironment(vendor);
    await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    expect(await runCli(['report', '2026-10', '--enqueue'], environment)).toMatchObject({ code: 0 });
    const worker = startCli(['worker'], environment);
    const manifest = path.join(environment['REPORTS_DIR'] ?? '', '2026-10', 'manifest.json');
    await waitFor('the report', () =>
      access(manifest).then(
        () => true,
        () => false,
      ),
    );
    await waitFor('the run to be noted', async () =>
      (await statusOf(environment)).reports.some(({ finishedAt }) => finishedAt !== null),
    );
    worker.kill('SIGTERM');
    expect((await worker.result).code).toBe(0);
  });
});

test('the time zone of the process means nothing, even one that Postgres does not know', async () => {
  const { simulator, vendor } = await withSimulator();
  const environment = await createCliEnvironment(vendor);
  const farAway = { ...environment, TZ: 'UTC+99' };
  await runCli(['enqueue', '-'], farAway, simulator.idsCsv());
  const worked = await runCli(['worker', '--until-idle'], farAway);
  expect(worked.code, worked.stderr).toBe(0);
  const [far, near] = [
    await runCli(['report', '2026-10', '--json'], farAway),
    await runCli(['report', '2026-10', '--json'], environment),
  ];
  expect(far).toEqual(near);
  expect(JSON.parse(near.stdout)).toMatchObject({ control_totals: { invoiced: simulator.invoice().invoicedCount } });
});

describe('a folder that cannot be one', () => {
  test.each(['loop/data', `${'x'.repeat(300)}/data`])(
    '%s is refused by a worker and by embedded servers',
    async (name) => {
      const environment = await createCliEnvironment({
        IDSCAN_KEY_ID: 'key',
        IDSCAN_KEY_SECRET: 'a secret that is long enough for HS256',
      });
      await symlink('loop', path.join(environment.folder, 'loop'));
      const given = { ...environment, IDSCAN_DATA_DIR: path.join(environment.folder, name), LOG_LEVEL: 'silent' };
      const embedded = { ...given, DATABASE_URL: '' };
      for (const refused of [
        await runCli(['worker', '--until-idle'], given),
        await runCli(['status'], embedded),
        await runCli(['report', '2026-10'], { ...environment, REPORTS_DIR: given.IDSCAN_DATA_DIR }),
      ])
        expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/\(storage_failed\)\n$/) as string });
    },
  );

  test('a working directory that is gone is said to be', async () => {
    const environment = await createCliEnvironment();
    // A process keeps the folder that it was started in.
    const gone = spawn(
      'sh',
      ['-c', 'cd "$0" && rmdir "$0" && exec "$@"', await createTestFolder(), process.execPath, launcher, 'status'],
      {
        env: ownEnvironment(environment),
      },
    );
    let stderr = '';
    gone.stderr.on('data', (chunk) => (stderr += String(chunk)));
    const [code] = (await once(gone, 'close')) as [number];
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(
        /^The working directory is not there any more\.\n.*\n\(config_invalid\)\n$/,
      ) as string,
    });
  });
});
