import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { resultIdOf, transactionIdOf } from '../ids.ts';
import type { Measured } from '../measure.ts';
import { mebibyte, runProcess } from '../processes.ts';
import type { PeerInput } from '../programs/one-result.ts';
import { launcherOf, type Sandbox } from '../servers.ts';
import { startVendor, type Vendor } from '../vendor/start.ts';
import { type Bench, comparison, type Figure, productName } from './figure.ts';

/**
 * The plain loop writes in the same batches as the product; otherwise it would not be an upper limit. The queues are
 * measured twice: in their usual idiom, where every job writes alone, and with the product's batches, which no queue
 * offers.
 */
const peers = [
  { name: 'plain-loop', program: 'plain-loop', isBatched: true },
  { name: 'graphile-worker', program: 'graphile-worker', isBatched: false },
  { name: 'pg-boss', program: 'pg-boss', isBatched: false },
  { name: 'graphile-worker, our batches', program: 'graphile-worker', isBatched: true },
  { name: 'pg-boss, our batches', program: 'pg-boss', isBatched: true },
] as const;
type Peer = (typeof peers)[number];

type Kind = {
  readonly name: string;
  readonly count: number;
  readonly withFiles: boolean;
  /** Concurrent jobs of each kind, in every contender. */
  readonly concurrency: number;
  readonly goal: number;
};

/** Results per second: the product's whole path compared with the plain loop and with other queues. */
function resultsFigure({ name, count, withFiles, concurrency, goal }: Kind): Figure {
  const what = withFiles ? 'results with 3 files and an audit report' : 'results without files';
  const files = withFiles ? 3 : 0;
  return {
    name,
    unit: 'results/s',
    describe: (scale) =>
      `${Math.round(count * scale)} ${what}${withFiles ? ', 100 KB each, hashed and synced' : ''}; one process each, ${concurrency} at once`,
    prepare: async (bench) => {
      const results = Math.max(20, Math.round(count * bench.scale));
      const environment = { WORKER_CONCURRENCY: String(concurrency) };
      const vendor = await startVendor({ files, fileBytes: 100_000, latencyMs: 0 });
      const products = bench.checkouts.map((checkout) => ({
        name: productName(bench, checkout),
        run: () => runWorkers(bench, checkout, { vendor, results, withFiles, processes: 1, environment }),
      }));
      const others = peers.map((peer) => ({
        name: peer.name,
        run: () => runPeer(bench, peer, { vendor, results, withFiles, concurrency }),
      }));
      const own = 'idscan-ledger';
      return {
        contenders: bench.checkouts.length === 1 ? [...products, ...others] : products,
        lines:
          bench.checkouts.length > 1
            ? comparison(bench, what)
            : peers.map(({ name: peer, program, isBatched }) => ({
                what: `${what}: ours ÷ ${peer}`,
                of: own,
                over: peer,
                ...(program === 'plain-loop' ? { goal: { atLeast: goal } } : isBatched ? {} : { goal: { atLeast: 1 } }),
              })),
        end: vendor.stop,
      };
    },
  };
}

export const results = resultsFigure({
  name: 'results',
  count: 12_000,
  withFiles: false,
  concurrency: 100,
  goal: 0.75,
});
export const resultsWithFiles = resultsFigure({
  name: 'results-with-files',
  count: 2_000,
  withFiles: true,
  concurrency: 50,
  goal: 0.85,
});

type Load = {
  readonly vendor: Vendor;
  readonly results: number;
  readonly withFiles: boolean;
};

export type WorkerLoad = Load & {
  /** The number of the first transaction; 0 unless the books contain that one already. */
  readonly first?: number;
  readonly processes: number;
  readonly environment?: Readonly<Record<string, string>>;
};

/** Enqueues, then works until nothing is left, in one or more worker processes started as users start them. */
export async function runWorkers(bench: Bench, checkout: string, load: WorkerLoad): Promise<Measured> {
  const sandbox = await bench.servers.sandbox(checkout);
  try {
    const measured = await workInto(bench, checkout, sandbox, load);
    await expectAllStored(sandbox, load.results, load.withFiles);
    return measured;
  } finally {
    await sandbox.drop();
  }
}

/** The same, into books that have content already. */
export async function workInto(
  bench: Bench,
  checkout: string,
  sandbox: Sandbox,
  { vendor, results: count, withFiles, processes, first = 0, environment = {} }: WorkerLoad,
): Promise<Measured> {
  const all = {
    ...sandbox.environment,
    ...vendor.environment,
    ...environment,
    ...(withFiles ? {} : { FETCH_DOCUMENTS: 'false', FETCH_AUDIT_REPORTS: 'false' }),
  };
  const launcher = launcherOf(checkout);
  await runProcess({ args: [launcher, 'enqueue', '--file', await idsFile(sandbox, count, first)], environment: all });
  const since = await clockOf(sandbox);
  const worker = { args: [launcher, 'worker', '--until-idle'], environment: all, profileDir: bench.profileDir };
  const ended = await Promise.all(Array.from({ length: processes }, () => runProcess(worker)));
  const [one] = await sandbox.query<{ undone: string }>(
    `select count(*) as undone from obligations where state <> 'done'`,
  );
  if (one?.undone !== '0') throw new Error(`the worker left ${one?.undone ?? '?'} obligations undone`);
  return {
    value: await ratePerSecond(sandbox, { count, since, of: 'product', withFiles }),
    also: {
      peakRssMiB: Math.max(...ended.map(({ peakRssBytes }) => peakRssBytes)) / mebibyte,
      cpuMsPerResult: (1_000 * ended.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)) / count,
    },
  };
}

async function runPeer(
  bench: Bench,
  { program: peer, isBatched }: Peer,
  { vendor, results: count, withFiles, concurrency }: Load & { readonly concurrency: number },
): Promise<Measured> {
  const sandbox = await bench.servers.sandbox(bench.checkouts[0]);
  try {
    await registerAll(sandbox, count);
    const since = await clockOf(sandbox);
    const input: PeerInput = {
      databaseUrl: sandbox.databaseUrl,
      baseUrl: vendor.baseUrl,
      dataDir: path.join(sandbox.folder, 'data'),
      count,
      withFiles,
      concurrency,
      isBatched,
    };
    const program = path.join(import.meta.dirname, '../programs', `${peer}.ts`);
    const { peakRssBytes, cpuSeconds } = await runProcess({
      args: [program, JSON.stringify(input)],
      profileDir: bench.profileDir,
    });
    await expectAllStored(sandbox, count, withFiles);
    // The write is the last that Postgres sees of a peer's result, so what its queue does after that is not counted.
    return {
      value: await ratePerSecond(sandbox, { count, since, of: 'peer', withFiles }),
      also: { peakRssMiB: peakRssBytes / mebibyte, cpuMsPerResult: (1_000 * cpuSeconds) / count },
    };
  } finally {
    await sandbox.drop();
  }
}

/** When the work of each transaction ended: the product's last obligation, or a peer's last write. */
const ends = {
  product: 'select max(updated_at) as at from obligations where updated_at >= $1 group by transaction_id',
  peer: `select max(greatest(a.first_seen_at, f.recorded_at)) as at
    from attempts a left join files f on f.transaction_id = a.transaction_id where a.first_seen_at >= $1 group by a.transaction_id`,
};

type Window = {
  readonly count: number;
  readonly since: string;
  readonly of: keyof typeof ends;
  readonly withFiles: boolean;
};

/**
 * Results per second, by Postgres' clock. Without files: from a fifth to four fifths of what ended, so that starting,
 * warming up and running out of work do not count. With files, where a transaction's work is spread over the run: from
 * the first stored result to the last end of work.
 */
async function ratePerSecond(sandbox: Sandbox, { count, since, of, withFiles }: Window): Promise<number> {
  const [from, to] = withFiles ? [null, 1] : [0.2, 0.8];
  const [row] = await sandbox.query<{ seconds: string; results: string }>(
    `with ended as (${ends[of]}), bounds as (
       select ${from === null ? '(select min(first_seen_at) from attempts where first_seen_at >= $1)' : `percentile_disc(${from}) within group (order by at)`} as from_at,
         percentile_disc(${to}) within group (order by at) as to_at from ended)
     select extract(epoch from to_at - from_at) as seconds,
       (select count(*) from ended where at > from_at and at <= to_at) as results from bounds`,
    [since],
  );
  const rate = (withFiles ? count : Number(row?.results)) / Number(row?.seconds);
  if (!Number.isFinite(rate)) throw new Error('too few results to measure a rate');
  return rate;
}

async function clockOf(sandbox: Sandbox): Promise<string> {
  const [row] = await sandbox.query<{ now: string }>('select clock_timestamp()::text as now');
  return row?.now ?? '';
}

/** Checks that every contender did the same work. */
async function expectAllStored(sandbox: Sandbox, count: number, withFiles: boolean): Promise<void> {
  const [row] = await sandbox.query<{ attempts: string; tasks: string; files: string }>(`
    select (select count(*) from attempts) as attempts, (select count(*) from tasks) as tasks,
      (select count(*) from files where state = 'stored') as files`);
  const found = `${row?.attempts} attempts, ${row?.tasks} tasks, ${row?.files} files`;
  const expected = `${4 * count} attempts, ${3 * count} tasks, ${withFiles ? 4 * count : 0} files`;
  if (found !== expected) throw new Error(`${found} were stored instead of ${expected}`);
}

export async function idsFile(sandbox: Sandbox, count: number, first = 0): Promise<string> {
  const lines = Array.from(
    { length: count },
    (_, index) => `${transactionIdOf(first + index)},${resultIdOf(first + index)}`,
  );
  const file = path.join(sandbox.folder, 'ids.csv');
  await writeFile(file, `transaction_id,result_id\n${lines.join('\n')}\n`);
  return file;
}

/** Registers the transactions first: peers update rows of known transactions, as the product does. */
async function registerAll(sandbox: Sandbox, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) => transactionIdOf(index));
  const resultIds = ids.map((_, index) => resultIdOf(index));
  await sandbox.query(`insert into transactions (id, result_id) select * from unnest($1::text[], $2::text[])`, [
    ids,
    resultIds,
  ]);
}
