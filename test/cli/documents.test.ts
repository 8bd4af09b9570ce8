import { readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { describe, expect, test, vi } from 'vitest';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

/** Commands of their own, many of them, on a machine that may be busy. */
const patienceMs = 90_000;
vi.setConfig({ testTimeout: 300_000 });

type Row = { sha256: string; kind: string; state: string; error_code: string | null; verified_at: Date | null };
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
  const rows = async (where: string) =>
    (
      await client.query<Row>(
        `select sha256, kind, state, error_code, verified_at from files where ${where} order by sha256`,
      )
    ).rows;
  const placeOf = ({ sha256 }: Row) => path.join(folder, sha256.slice(0, 2), sha256);
  return { environment, work, client, folder, rows, placeOf };
}

async function verify(environment: CliEnvironment, ...more: string[]): Promise<{ code: number | null; found: Found }> {
  const { code, stdout, stderr } = await runCli(['documents', 'verify', '--json', ...more], environment);
  expect(stdout, stderr).not.toBe('');
  return { code, found: JSON.parse(stdout) as Found };
}

describe('documents verify', () => {
  test('proves what is there, finds what is removed, overwritten or cut, and has it fetched again', async () => {
    const { environment, work, client, folder, rows, placeOf } = await stored();
    const proven = await runCli(['documents', 'verify'], environment);
    expect(proven, proven.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Proven: all \d+ files/) as string,
    });
    const files = await rows(`state = 'stored'`);
    expect(files.filter(({ verified_at }) => verified_at === null)).toEqual([]);
    const documents = files.filter(({ kind }) => kind === 'document');
    const report = files.find(({ kind }) => kind === 'audit_report')!;
    const [removed, overwritten, cut] = documents as [Row, Row, Row];
    await rm(placeOf(removed));
    await writeFile(placeOf(overwritten), Buffer.alloc((await stat(placeOf(overwritten))).size, 7));
    await truncate(placeOf(cut), 10);
    await rm(placeOf(report));
    await writeFile(path.join(folder, 'notes.txt'), 'whose?');
    await utimes(path.join(folder, 'notes.txt'), new Date(0), new Date(0));

    const { code, found } = await verify(environment);
    expect(code).toBe(1);
    expect(found).toMatchObject({ claimed: files.length, read: files.length, proven: files.length - 4, orphans: 1 });
    expect(found.amiss).toEqual([
      { kind: 'audit_report', state: 'lost', count: 1, not_at_vendor: 0 },
      { kind: 'document', state: 'damaged', count: 2, not_at_vendor: 0 },
      { kind: 'document', state: 'lost', count: 1, not_at_vendor: 0 },
    ]);
    const status = await runCli(['status'], environment);
    expect(status.stdout).toContain('Files lost or damaged: 2 lost, 2 damaged.');
    expect(JSON.parse((await runCli(['status', '--json'], environment)).stdout)).toMatchObject({
      filesAmiss: [{ state: 'lost' }, { state: 'damaged', count: 2 }, { state: 'lost' }],
    });

    const repaired = await verify(environment, '--repair');
    expect(repaired.code).toBe(1);
    expect(repaired.found.due_again).toMatchObject({ audit_report: 1 });
    const log = await client.query('select requested_by, reason, obligations from reprocess_log');
    expect(log.rows).toEqual([
      {
        requested_by: expect.stringContaining('@') as string,
        reason: 'documents verify --repair',
        obligations: 1 + repaired.found.due_again['documents']!,
      },
    ]);
    expect((await verify(environment, '--repair')).found.due_again).toEqual({});
    await work();
    expect(await rows(`state in ('lost', 'damaged')`)).toEqual([]);
    expect((await verify(environment)).code).toBe(0);
    expect((await runCli(['status'], environment)).stdout).not.toContain('lost or damaged');
    await stat(path.join(folder, 'notes.txt'));
  });

  test('keeps for lost what the vendor has no more, and says so', async () => {
    const { environment, rows, placeOf } = await stored();
    const files = await rows(`state = 'stored'`);
    const kept = Buffer.from(await readFile(placeOf(files[0]!)));
    for (const one of files) await rm(placeOf(one), { force: true });
    const world = { transactions: 8, abandonedShare: 0, filesPerResult: 2 };
    const { vendor } = await withSimulator({ ...world, filesGoneShare: 1, auditReportMissingShare: 1 });
    const later = { ...environment, ...vendor };
    expect((await verify(later, '--repair')).code).toBe(1);
    expect(await runCli(['worker', '--until-idle'], later)).toMatchObject({ code: 0 });
    const lost = await rows(`state = 'lost' and error_code in ('vendor_gone', 'vendor_not_found')`);
    expect(lost).toHaveLength(files.length);
    const { code, found } = await verify(later, '--repair');
    expect({ code, due: found.due_again }).toEqual({ code: 1, due: {} });
    expect((await runCli(['status'], later)).stdout).toContain(`the vendor has ${files.length} of them no more`);
    // From a backup.
    await writeFile(placeOf(files[0]!), kept);
    expect((await verify(later)).found.proven).toBe(files.filter(({ sha256 }) => sha256 === files[0]!.sha256).length);
  });

  test('has the whole folder fetched again once it is given back to the books', async () => {
    const { environment, work, folder, rows } = await stored();
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
    expect((await rows(`state <> 'stored' and sha256 is not null`)).length).toBe(0);
    const { code, found } = await verify(environment, '--repair');
    expect(code).toBe(1);
    expect(found.proven).toBe(0);
    await work();
    const again = await verify(environment);
    expect(again).toMatchObject({ code: 0, found: { proven: found.claimed } });
  });

  test('goes on where a killed run stopped', async () => {
    const { environment, client } = await stored(30);
    const { rowCount } = await client.query(`select from files where sha256 is not null`);
    await client.query(`insert into document_verifications (begun_at) values (now() - interval '1 hour')`);
    await client.query(
      `update files set verified_at = now() where sha256 in (select sha256 from files where sha256 is not null order by sha256 limit 20)`,
    );
    const seen = (await client.query(`select from files where verified_at is not null`)).rowCount!;
    await client.query('begin');
    await client.query(`lock table files in exclusive mode`);
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
    await client.query('commit');
    const { code, found } = await verify(environment);
    expect(code).toBe(0);
    expect(found).toMatchObject({ is_continued: true, claimed: rowCount, proven: rowCount });
    expect(found.read).toBeLessThanOrEqual(rowCount! - seen);
    expect((await verify(environment)).found).toMatchObject({ is_continued: false, read: rowCount });
  });
});

describe('reprocess', () => {
  test('fetches again what was removed or overwritten, though nobody verified it', async () => {
    const { environment, work, rows, placeOf } = await stored();
    const [removed, overwritten] = (await rows(`state = 'stored' and kind = 'document'`)) as [Row, Row];
    await rm(placeOf(removed));
    await writeFile(placeOf(overwritten), Buffer.alloc((await stat(placeOf(overwritten))).size, 7));
    await runCli(['reprocess', '--month', '2026-10', '--only', 'documents'], environment);
    await work();
    expect((await verify(environment)).code).toBe(0);
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
    const served = await runCli(['serve', '--with-workers'], { ...elsewhere, HTTP_PORT: '0' });
    expect(served, served.stderr).toMatchObject({ code: 3 });
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
