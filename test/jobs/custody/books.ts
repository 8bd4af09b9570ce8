import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { asOwner, atEnd } from '../../support/books.ts';
import { type CliEnvironment, createCliEnvironment, runCli } from '../../support/cli.ts';
import { withSimulator } from '../../support/simulator.ts';

/** A month of transactions whose documents are stored, with a report. */
export async function storedMonth(extra: CliEnvironment = {}, transactions = 12) {
  const { simulator, vendor } = await withSimulator({ transactions, abandonedShare: 0, nullUrlShare: 0 });
  const environment = await createCliEnvironment({ ...vendor, ...extra });
  const run = (args: string[], stdin?: string) => runCli(args, environment, stdin);
  await run(['enqueue', '-'], simulator.idsCsv());
  const worked = await run(['worker', '--until-idle']);
  if (worked.code !== 0) throw new Error(worked.stderr);
  // A restore, and time that passes, are not the program's.
  const client = new pg.Client({ connectionString: asOwner(environment['DATABASE_URL'] ?? '') });
  await client.connect();
  atEnd(() => client.end());
  const rows = async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []): Promise<T[]> =>
    (await client.query<T>(text, values)).rows;
  const folder = path.join(environment['IDSCAN_DATA_DIR'] ?? '', 'documents');
  return { simulator, environment, run, rows, folder };
}

/** The names of all objects in a store's folder that are documents. */
export async function objectsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names
    .filter((one) => one.isFile() && /^[0-9a-f]{2}$/.test(path.basename(one.parentPath)))
    .map(({ name }) => name)
    .sort();
}

/** The hash of every file in the reports' folder. */
export async function reportHashes(environment: CliEnvironment): Promise<Record<string, string>> {
  const folder = environment['REPORTS_DIR'] ?? '';
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((one) => one.isFile());
  const hashes = files.map(async ({ parentPath, name }) => {
    const file = path.join(parentPath, name);
    return [
      path.relative(folder, file),
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ] as const;
  });
  return Object.fromEntries((await Promise.all(hashes)).sort(([a], [b]) => (a < b ? -1 : 1)));
}
