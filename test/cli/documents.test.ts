import { readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

/** Commands of their own, many of them, on a machine that may be busy. */
const patienceMs = 90_000;
vi.setConfig({ testTimeout: 300_000 });

type Found = {
  claimed: number;
  read: number;
  proven: number;
  orphans: number;
  is_continued: boolean;
  due_again: Record<string, number>;
  amiss: { kind: string; state: string; count: number; not_at_vendor: number }[];
};

/** A month of a simulated vendor, its files stored. */
async function stored(transactions = 8) {
  const { simulator, vendor } = await withSimulator({ transactions, abandonedShare: 0, filesPerResult: 2 });
  const environment = await createCliEnvironment({ ...vendor, LOG_LEVEL: 'warn' });
  await runCli(['enqueue', '-'], environment, simulator.idsCsv());
  const work = async () => {
    const { code, stderr } = await runCli(['worker', '--until-idle'], environment);
    expect(code, stderr).toBe(0);
  };
  await work();
  const client = new pg.Client({ connectionString: environment['DATABASE_URL'] });
  await client.connect();
  atEnd(() => client.end());
  const folder = path.join(environment['IDSCAN_DATA_DIR'] ?? '', 'documents');
  const lost = async () => (await client.query(`select from files where state in ('lost', 'damaged')`)).rowCount;
  return { environment, work, client, folder, lost };
}

async function verify(environment: CliEnvironment, ...more: string[]): Promise<{ code: number | null; found: Found }> {
  const { code, stdout, stderr } = await runCli(['documents', 'verify', '--json', ...more], environment);
  expect(stdout, stderr).not.toBe('');
  return { code, found: JSON.parse(stdout) as Found };
}

describe('documents verify', () => {
  test('has the whole folder fetched again once it is given back to the books', async () => {
    const { environment, work, folder, lost } = await stored();
    await rm(folder, { recursive: true });
    for (const command of [
      ['documents', 'verify'],
      ['worker', '--until-idle'],
    ]) {
      const { code, stderr } = await runCli(command, environment);
      expect({ code, stderr }).toMatchObject({
        code: 3,
        stderr: expect.stringContaining('(store_mismatch)') as string,
      });
      expect(stderr).toContain(folder);
      expect(stderr).toContain('documents verify --repair');
    }
    await expect(stat(folder)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await lost()).toBe(0);
    const { code, found } = await verify(environment, '--repair');
    expect(code).toBe(1);
    expect(found.proven).toBe(0);
    expect((await runCli(['status'], environment)).stdout).toContain(
      `Files lost or damaged: ${found.claimed} lost, 0 damaged.`,
    );
    await work();
    const status = await runCli(['status'], environment);
    expect(status.stdout).not.toContain('lost or damaged');
    const proven = await runCli(['documents', 'verify'], environment);
    expect(proven, proven.stderr).toMatchObject({ code: 0 });
    expect(proven.stdout).toMatch(new RegExp(`^Proven: all ${found.claimed} files`));
  });

  test('goes on where a killed run stopped', async () => {
    const { environment, client } = await stored(30);
    const { rowCount } = await client.query(`select from files where sha256 is not null`);
    await client.query(`insert into document_verifications (begun_at) values (now() - interval '1 hour')`);
    await client.query(
      `update files set verified_at = now() where sha256 in (select sha256 from files where sha256 is not null order by sha256 limit 20)`,
    );
    const seen = (await client.query(`select from files where verified_at is not null`)).rowCount!;
    const holder = new pg.Client({ connectionString: environment['DATABASE_URL'] });
    await holder.connect();
    atEnd(() => holder.end());
    await holder.query('begin');
    await holder.query(`lock table files in exclusive mode`);
    const run = startCli(['documents', 'verify'], environment);
    await waitFor(
      'the run to wait for the lock',
      async () => {
        const { rows } = await client.query(
          `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%update files%' and datname = current_database()`,
        );
        return rows.length > 0;
      },
      patienceMs,
    );
    run.kill('SIGKILL');
    await run.result;
    await holder.query('commit');
    const { code, found } = await verify(environment);
    expect(code).toBe(0);
    expect(found).toMatchObject({ is_continued: true, claimed: rowCount, proven: rowCount });
    expect(found.read).toBeLessThanOrEqual(rowCount! - seen);
    expect((await verify(environment)).found).toMatchObject({ is_continued: false, read: rowCount });
  });
});

describe('a worker', () => {
  test('on another machine, without the shared disk, is refused and nothing is parked', async () => {
    const { environment, client } = await stored();
    const elsewhere = { ...environment, IDSCAN_DATA_DIR: path.join(await createTestFolder(), 'data') };
    await runCli(['reprocess', '--month', '2026-10', '--only', 'documents'], environment);
    const { code, stderr } = await runCli(['worker', '--until-idle'], elsewhere);
    expect(code, stderr).toBe(3);
    expect(stderr).toContain('(store_mismatch)');
    expect(await readdir(path.dirname(elsewhere.IDSCAN_DATA_DIR))).toEqual([]);
    const { rows } = await client.query(`select from obligations where state = 'failed' or attempts_made > 0`);
    expect(rows).toEqual([]);
    // Beside a service workers wait, and the service takes in what comes.
    const serving = startCli(['serve', '--with-workers'], { ...elsewhere, HTTP_PORT: '0' });
    let said = '';
    serving.stderr!.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await waitFor('a refusal', () => said.includes('"code":"store_mismatch"'), patienceMs);
    serving.kill('SIGTERM');
    expect((await serving.result).code).toBe(0);
    expect(await readdir(path.dirname(elsewhere.IDSCAN_DATA_DIR))).toEqual([]);
  });

  test('that fetches no files needs no store and makes none', async () => {
    const { simulator, vendor } = await withSimulator({ transactions: 3 });
    const off = { FETCH_DOCUMENTS: 'false', FETCH_AUDIT_REPORTS: 'false' };
    const environment = await createCliEnvironment({ ...vendor, ...off });
    await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    const { code, stderr } = await runCli(['worker', '--until-idle'], environment);
    expect(code, stderr).toBe(0);
    expect(await readdir(environment.folder)).toEqual([]);
  });
});
