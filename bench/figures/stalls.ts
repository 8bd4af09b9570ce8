import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Measured, median } from '../measure.ts';
import { runProcess } from '../processes.ts';
import type { Stretch } from '../programs/stalls.ts';
import { launcherOf } from '../servers.ts';
import { startVendor, type Vendor } from '../vendor/start.ts';
import { type Bench, comparison, type Figure, productName } from './figure.ts';
import { idsFile } from './results.ts';

const count = 8;
const fileBytes = 25_000_000;
const probe = path.join(import.meta.dirname, '../programs/stalls.ts');

/** For how long a worker that stores the largest files does nothing else: heartbeats and locks of jobs wait. */
export const stalls: Figure = {
  name: 'stalls',
  unit: 'ms',
  describe: (scale) =>
    `the longest stall of a worker's event loop in processor time, ${Math.ceil(count * scale)} results with a file and an audit report of 25 MB each`,
  prepare: async (bench) => {
    const results = Math.ceil(count * bench.scale);
    const vendor = await startVendor({ files: 1, fileBytes, latencyMs: 0 });
    return {
      contenders: bench.checkouts.map((checkout) => ({
        name: productName(bench, checkout),
        run: () => longestStall(bench, checkout, vendor, results),
      })),
      lines:
        bench.checkouts.length > 1
          ? comparison(bench, 'longest stall')
          : [{ what: 'longest stall, ms', of: 'idscan-ledger', over: null, goal: { atMost: 50 } }],
      end: vendor.stop,
    };
  },
};

async function longestStall(bench: Bench, checkout: string, vendor: Vendor, results: number): Promise<Measured> {
  const sandbox = await bench.servers.sandbox(checkout);
  try {
    const said = path.join(sandbox.folder, 'stalls.json');
    const environment = { ...sandbox.environment, ...vendor.environment };
    const launcher = launcherOf(checkout);
    await runProcess({ args: [launcher, 'enqueue', '--file', await idsFile(sandbox, results)], environment });
    await runProcess({
      args: ['--import', probe, launcher, 'worker', '--until-idle'],
      environment: { ...environment, BENCH_STALLS: said },
      profileDir: bench.profileDir,
    });
    const [row] = await sandbox.query<{ from_ms: number; to_ms: number; files: number }>(`
      select (select extract(epoch from min(first_seen_at)) * 1000 from attempts)::float8 as from_ms,
        (select extract(epoch from max(recorded_at)) * 1000 from files)::float8 as to_ms,
        (select count(*)::int from files where state = 'stored') as files`);
    if (row?.files !== 2 * results) throw new Error(`${row?.files} files were stored instead of ${2 * results}`);
    // Starting and ending take a processor for longer at a time, while no job waits.
    const stretches = (JSON.parse(await readFile(said, 'utf8')) as Stretch[]).filter(
      ({ endedAtMs }) => endedAtMs > row.from_ms && endedAtMs <= row.to_ms,
    );
    const longest = Math.max(...stretches.map(({ longestCpuMs }) => longestCpuMs));
    return {
      value: longest,
      also: {
        medianMs: median(stretches.map(({ longestCpuMs }) => longestCpuMs)),
        byTheClockMs: Math.max(...stretches.map(({ longestMs }) => longestMs)),
        seconds: (row.to_ms - row.from_ms) / 1_000,
      },
    };
  } finally {
    await sandbox.drop();
  }
}
