import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { openDatabase } from '../../src/db/database.ts';
import { currentTables } from '../../src/db/tables-as-of.ts';
import { detailQuery } from '../../src/db/report-files.ts';
import { withSnapshot } from '../../src/db/snapshot.ts';
import { loadConfig } from '../../src/config/config.ts';
import { presentLayout } from '../../src/domain/report-columns.ts';
import { openLines } from '../../src/jobs/month/open-lines.ts';
import { readReferenceData } from '../../src/reference-data/read.ts';
import { benchMonth } from '../ids.ts';
import type { Measured } from '../measure.ts';
import { mebibyte, runProcess } from '../processes.ts';
import { launcherOf, type Sandbox } from '../servers.ts';
import { type Bench, comparison, type Figure, productName } from './figure.ts';
import { runPsql } from './psql.ts';

const attempts = 1_000_000;
const peer = 'psql \\copy of the detail';

/** A month's report with all files hashed and synced, compared with psql writing only the detail file. */
export const report: Figure = {
  name: 'report',
  unit: 's',
  describe: (scale) => `report of a month with ${Math.round(attempts * scale)} attempts, all files hashed and synced`,
  prepare: async (bench) => {
    const filled = await bench.filled(Math.max(400, attempts * bench.scale));
    const products = bench.checkouts.map((checkout) => ({
      name: productName(bench, checkout),
      run: () => writeReport(bench, checkout, filled),
    }));
    const query = await detailSql(filled);
    const own = 'idscan-ledger';
    const what = 'time of report ÷ psql \\copy of its detail query';
    return {
      contenders:
        bench.checkouts.length === 1 ? [...products, { name: peer, run: () => copyDetail(filled, query) }] : products,
      lines:
        bench.checkouts.length > 1
          ? comparison(bench, 'time of report')
          : [
              { what, of: own, over: peer, goal: { atMost: 1.5 } },
              { what: 'memory of report at most, MiB', of: own, over: null, also: 'peakRssMiB', goal: { atMost: 200 } },
            ],
      end: () => Promise.resolve(),
    };
  },
};

async function writeReport(bench: Bench, checkout: string, sandbox: Sandbox): Promise<Measured> {
  await rm(path.join(sandbox.folder, 'reports'), { recursive: true, force: true });
  const { durationMs, peakRssBytes } = await runProcess({
    args: [launcherOf(checkout), 'report', benchMonth],
    environment: sandbox.environment,
    profileDir: bench.profileDir,
  });
  return { value: durationMs / 1_000, also: { peakRssMiB: peakRssBytes / mebibyte } };
}

/** The query for the detail file in this checkout's report. */
export async function detailSql(sandbox: Sandbox): Promise<string> {
  const { config } = loadConfig(sandbox.environment, { vendorKey: false });
  const data = readReferenceData(config);
  const db = openDatabase(sandbox.databaseUrl);
  try {
    const { lines } = await withSnapshot(db, ({ queries }) =>
      openLines(queries, {
        period: benchMonth,
        timeZone: config.billingTimeZone,
        priceList: data.prices?.content,
        closes: [],
        tables: currentTables,
        asOf: null,
      }),
    );
    return detailQuery(lines, benchMonth, data.prices?.content.currency ?? null, presentLayout).select;
  } finally {
    await db.close();
  }
}

async function copyDetail(sandbox: Sandbox, query: string): Promise<Measured> {
  const file = path.join(sandbox.folder, 'copied.csv');
  const seconds = await runPsql(sandbox, query, file);
  const own = path.join(sandbox.folder, 'reports', benchMonth, `idscan-cost_${benchMonth}_provisional_detail.csv`);
  if ((await rowsOf(own)) !== (await rowsOf(file)))
    throw new Error('the report and psql wrote different numbers of rows');
  await rm(file);
  return { value: seconds };
}

async function rowsOf(file: string): Promise<number> {
  let rows = 0;
  for await (const chunk of createReadStream(file))
    for (let at = (chunk as Buffer).indexOf(10); at !== -1; at = (chunk as Buffer).indexOf(10, at + 1)) rows += 1;
  return rows;
}
