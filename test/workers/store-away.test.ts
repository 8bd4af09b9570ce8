import { mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { expect, test, vi } from 'vitest';
import { atEnd, waitFor } from '../support/books.ts';
import { createCliEnvironment, runCli, startCli } from '../support/cli.ts';
import { withSimulator } from '../support/simulator.ts';

const patienceMs = 90_000;
vi.setConfig({ testTimeout: 300_000 });

type Due = { state: string; attempts_made: number; code: string | null };

/** A worker that has begun, its books, and where its files go. */
async function setUp() {
  const { simulator, vendor } = await withSimulator({ transactions: 40, abandonedShare: 0, nullUrlShare: 0 });
  const environment = await createCliEnvironment({ ...vendor, LOG_LEVEL: 'info' });
  const worker = startCli(['worker'], environment);
  const folder = path.join(environment['IDSCAN_DATA_DIR'] ?? '', 'documents');
  const client = new pg.Client({ connectionString: environment['DATABASE_URL'] });
  await client.connect();
  atEnd(() => client.end());
  // Before that it still looks at its store, and would end if that went away.
  await waitFor(
    'a working worker',
    async () => (await client.query('select from worker_heartbeats')).rowCount === 1,
    patienceMs,
  );
  const ofFiles = async () =>
    (
      await client.query<Due>(
        `select state, attempts_made, last_error_code as code from obligations where kind <> 'result'`,
      )
    ).rows;
  const results = async () =>
    (await client.query(`select from obligations where kind = 'result' and state = 'done'`)).rowCount;
  return { simulator, environment, worker, folder, client, ofFiles, results };
}

type Away = { readonly code: string; readonly take: (folder: string) => Promise<() => Promise<void>> };

const aways: Record<string, Away> = {
  'is not mounted, its mount point empty': {
    code: 'store_mismatch',
    take: async (folder) => {
      await rename(folder, `${folder}.away`);
      await mkdir(folder);
      return async () => {
        // Fails unless the mount point is as empty as it was.
        await rmdir(folder);
        await rename(`${folder}.away`, folder);
      };
    },
  },
  'can not be written to': {
    code: 'storage_failed',
    take: async (folder) => {
      const incoming = path.join(folder, 'incoming');
      await rm(incoming, { recursive: true });
      await writeFile(incoming, 'in the way');
      return async () => {
        await rm(incoming);
        await mkdir(incoming, { mode: 0o700 });
      };
    },
  },
};

test.each(Object.entries(aways))(
  'while the document store %s, files wait and use up no attempts; they go on by themselves',
  async (_, { code, take }) => {
    const { simulator, environment, worker, folder, ofFiles, results } = await setUp();
    const bringBack = await take(folder);
    await runCli(['enqueue', '-'], environment, simulator.idsCsv());
    await waitFor('files that wait', async () => (await ofFiles()).some((one) => one.code === code), patienceMs);
    // Results need no store. Far more failures than a file has attempts, were they counted.
    await waitFor('all results', async () => (await results()) === 40, patienceMs);
    for (const one of await ofFiles()) expect(one).toMatchObject({ state: 'due', attempts_made: 0 });
    const status = () => runCli(['status'], environment).then(({ stdout }) => stdout);
    await waitFor('status to say so', async () => (await status()).includes(`files wait (${code})`), patienceMs);
    await bringBack();
    await waitFor(
      'all files',
      async () => {
        const all = await ofFiles();
        return all.length === 80 && all.every(({ state }) => state === 'done');
      },
      patienceMs,
    );
    worker.kill('SIGTERM');
    const { code: exitCode, stderr } = await worker.result;
    expect(exitCode, stderr).toBe(0);
    const lines = stderr
      .split('\n')
      .filter((line) => /document store|storage_|store_mismatch|will be tried/.test(line));
    expect(lines.length, stderr).toBeLessThanOrEqual(4);
    expect(stderr).toContain('the document store can be used again');
    expect((await runCli(['documents', 'verify'], environment)).code).toBe(0);
  },
);
