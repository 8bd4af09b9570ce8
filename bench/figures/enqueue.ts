import path from 'node:path';
import { maxBacklog } from '../../src/jobs/queue/queues.ts';
import type { Measured } from '../measure.ts';
import { mebibyte, runProcess } from '../processes.ts';
import { launcherOf, type Sandbox } from '../servers.ts';
import { type Bench, comparison, type Figure, productName } from './figure.ts';
import { idsFile } from './results.ts';

const count = 200_000;
/** `enqueue` keeps Redis small: the rest of a larger file waits in Postgres. */
const ceilingName = 'COPY + addBulk, each alone';
const libraryName = 'the library';

/** Intake of a large file, compared with the time that each part takes alone. */
export const enqueue: Figure = {
  name: 'enqueue',
  unit: 's',
  describe: (scale) => `enqueue --file of ${Math.round(count * scale)} lines, into empty books and an empty queue`,
  prepare: (bench) => {
    const lines = Math.max(100, Math.round(count * bench.scale));
    const products = bench.checkouts.map((checkout) => ({
      name: productName(bench, checkout),
      run: () => takeIn(bench, checkout, lines),
    }));
    const own = 'idscan-ledger';
    return Promise.resolve({
      contenders:
        bench.checkouts.length === 1
          ? [
              ...products,
              { name: libraryName, run: () => takeInByLibrary(bench, lines) },
              { name: ceilingName, run: () => ceiling(bench, lines) },
            ]
          : products,
      lines:
        bench.checkouts.length > 1
          ? comparison(bench, 'time of enqueue')
          : [
              {
                what: 'time of enqueue ÷ (COPY of the rows + addBulk of the jobs)',
                of: own,
                over: ceilingName,
                goal: { atMost: 1.5 },
              },
              {
                what: 'time of enqueue ÷ time of the library: how fast that is beside it',
                of: own,
                over: libraryName,
                goal: { atLeast: 0.9 },
              },
              {
                what: 'memory of enqueue at most, MiB',
                of: own,
                over: null,
                also: 'peakRssMiB',
                goal: { atMost: 150 },
              },
            ],
      end: () => Promise.resolve(),
    });
  },
};

const takeIn = (bench: Bench, checkout: string, lines: number): Promise<Measured> =>
  takingIn(bench, checkout, lines, (file) => [launcherOf(checkout), 'enqueue', '--file', file]);

/** The same IDs, by a program that has them in a list. Its start and its end are counted, too. */
const takeInByLibrary = (bench: Bench, lines: number): Promise<Measured> =>
  takingIn(bench, bench.checkouts[0], lines, (file, { databaseUrl, environment }) => [
    programNamed('enqueue-library.ts'),
    JSON.stringify({ databaseUrl, redisUrl: environment['REDIS_URL'], file }),
  ]);

async function takingIn(
  bench: Bench,
  checkout: string,
  lines: number,
  args: (file: string, sandbox: Sandbox) => readonly string[],
): Promise<Measured> {
  const sandbox = await bench.servers.sandbox(checkout);
  try {
    const file = await idsFile(sandbox, lines);
    const { durationMs, peakRssBytes, cpuSeconds } = await runProcess({
      args: args(file, sandbox),
      environment: sandbox.environment,
      profileDir: bench.profileDir,
    });
    const [row] = await sandbox.query<{ rows: string }>(
      'select count(*) as rows from intake join transactions t on t.id = transaction_id join obligations o using (transaction_id)',
    );
    if (Number(row?.rows) !== lines) throw new Error(`${row?.rows} of ${lines} lines were taken in`);
    return {
      value: durationMs / 1_000,
      also: { peakRssMiB: peakRssBytes / mebibyte, cpuSeconds, jobs: await jobsIn(bench) },
    };
  } finally {
    await sandbox.drop();
  }
}

const programNamed = (name: string): string => path.join(import.meta.dirname, '../programs', name);

const jobsIn = (bench: Bench): Promise<number> => bench.servers.redis.llen('{idscan-ledger}:results:wait');

/** Adds as many jobs as the product puts into Redis. The rest waits in Postgres. */
async function ceiling(bench: Bench, lines: number): Promise<Measured> {
  const sandbox = await bench.servers.sandbox(bench.checkouts[0]);
  try {
    const rows = { databaseUrl: sandbox.databaseUrl, count: lines };
    const copied = await runProcess({ args: [programNamed('copy-intake.ts'), JSON.stringify(rows)] });
    const jobs = { redisUrl: sandbox.environment['REDIS_URL'], count: Math.min(lines, maxBacklog) };
    const added = await runProcess({ args: [programNamed('add-bulk.ts'), JSON.stringify(jobs)] });
    const [copySeconds, addBulkSeconds] = [Number(copied.stdout) / 1_000, Number(added.stdout) / 1_000];
    return { value: copySeconds + addBulkSeconds, also: { copySeconds, addBulkSeconds } };
  } finally {
    await sandbox.drop();
  }
}
