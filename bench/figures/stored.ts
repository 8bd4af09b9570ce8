import { openDatabase } from '../../src/db/database.ts';
import { isAnyOverdue } from '../../src/db/obligations.ts';
import { obligationKinds } from '../../src/db/schema.ts';
import type { Contender, Measured } from '../measure.ts';
import { cpuSecondsOf, mebibyte, memoryOf, startProcess } from '../processes.ts';
import { launcherOf, type Sandbox } from '../servers.ts';
import { startVendor } from '../vendor/start.ts';
import type { Bench, Figure } from './figure.ts';
import { workInto } from './results.ts';

const few = 10_000;
const many = 1_000_000;
const results = 2_000;

/** What one result costs as the books grow. */
export const stored: Figure = {
  name: 'stored',
  unit: 'ms a result',
  describe: (scale) =>
    `${results} results into books with ${Math.round(many * scale)} attempts, and into books with ${few}`,
  prepare: async (bench) => {
    const vendor = await startVendor({ files: 0, fileBytes: 0, latencyMs: 0 });
    const [own] = bench.checkouts;
    const small = await bench.filled(few);
    const large = await bench.filled(Math.max(400, many * bench.scale));
    let first = 100_000_000;
    const into = (name: string, sandbox: Sandbox): Contender => ({
      name,
      run: async () => {
        first += results;
        // Writes what earlier runs left dirty, so that it does not count here.
        await sandbox.query('checkpoint');
        const load = { vendor, results, first, withFiles: false, processes: 1 };
        return { value: 1_000 / (await workInto(bench, own, sandbox, load)).value };
      },
    });
    return {
      contenders: [into('many stored', large), into('few stored', small)],
      lines: [
        { what: 'cost of a result: many stored ÷ few', of: 'many stored', over: 'few stored', goal: { atMost: 1.2 } },
      ],
      end: vendor.stop,
    };
  },
};

/** A sweep that finds nothing, with all transactions settled. */
export const sweep: Figure = {
  name: 'sweep',
  unit: 'ms',
  describe: (scale) => `a sweep that finds nothing among ${Math.round((many * scale) / 4)} settled transactions`,
  prepare: async (bench) => {
    const filled = await bench.filled(Math.max(400, many * bench.scale));
    const db = openDatabase(filled.databaseUrl);
    const run = async (): Promise<Measured> => {
      const times: number[] = [];
      for (let round = 0; round < 50; round += 1) {
        const startedMs = performance.now();
        const overdue = await isAnyOverdue(db.kysely, obligationKinds);
        if (overdue.obligations || overdue.reports) throw new Error('the sweep found something');
        times.push(performance.now() - startedMs);
      }
      return { value: times.toSorted((a, b) => a - b)[25] ?? Number.NaN };
    };
    return {
      contenders: [{ name: 'sweep', run }],
      lines: [{ what: 'all kinds swept, ms', of: 'sweep', over: null, goal: { atMost: 5 } }],
      end: db.close,
    };
  },
};

/** Long enough after the start for V8 to have settled, too. */
const settleMs = 10_000;
const restMs = 20_000;

/** A long-running worker with nothing to do. */
export const rest: Figure = {
  name: 'rest',
  unit: '% CPU',
  describe: () => `a lasting worker with nothing to do, for ${restMs / 1_000} s`,
  prepare: (bench) =>
    Promise.resolve({
      contenders: bench.checkouts.map((checkout, index) => ({
        name: ['worker at rest', 'the other worker at rest'][index] ?? checkout,
        run: () => atRest(bench, checkout),
      })),
      lines: [
        { what: 'CPU of a worker at rest, %', of: 'worker at rest', over: null, goal: { atMost: 1 } },
        {
          what: 'memory of a worker at rest, MiB',
          of: 'worker at rest',
          over: null,
          also: 'rssMiB',
          goal: { atMost: 120 },
        },
      ],
      end: () => Promise.resolve(),
    }),
};

async function atRest(bench: Bench, checkout: string): Promise<Measured> {
  const sandbox = await bench.servers.sandbox(checkout);
  const { environment } = sandbox;
  const vendor = { IDSCAN_BASE_URL: 'http://127.0.0.1:9/', IDSCAN_KEY_ID: 'bench', IDSCAN_KEY_SECRET: 'bench' };
  const worker = startProcess({
    args: [launcherOf(checkout), 'worker'],
    environment: { ...environment, ...vendor },
    profileDir: bench.profileDir,
  });
  try {
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    await Promise.race([pause(settleMs), worker.ended]);
    const [cpuBefore, startedMs] = [await cpuSecondsOf(worker.pid), performance.now()];
    await pause(restMs);
    const seconds = (performance.now() - startedMs) / 1_000;
    const cpu = ((await cpuSecondsOf(worker.pid)) - cpuBefore) / seconds;
    return { value: 100 * cpu, also: { rssMiB: (await memoryOf(worker.pid)).bytes / mebibyte } };
  } finally {
    worker.child.kill('SIGTERM');
    await worker.ended.catch(() => undefined);
    await sandbox.drop();
  }
}
