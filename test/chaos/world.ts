import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { acquireServices } from '../../src/embedded/index.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { prepareOwnServer } from '../support/servers.ts';
import { asLines, readReport } from '../support/report-files.ts';

/** Whether the long version runs (`npm run test:chaos`). */
export const isFull = process.env['CHAOS'] === 'full';

/** The seeds of a scenario: fixed ones, or those of CHAOS_SEED (comma-separated). Printed, so that a run can be repeated. */
export function seeds(...fixed: number[]): number[] {
  const given = process.env['CHAOS_SEED'];
  return given ? given.split(',').map(Number) : isFull ? fixed : fixed.slice(0, 1);
}

/** A generator of numbers from 0 to 1 (mulberry32), so that a run of faults can be repeated. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export type WorldOptions = {
  readonly seed: number;
  readonly transactions: number;
  readonly workers: number;
  /** What a worker process runs instead of the product's: the negative control. */
  readonly workerScript?: string;
  /** Further variables of workers and commands. Those of {@link World}'s `environment` may be changed meanwhile. */
  readonly variables?: Readonly<Record<string, string>>;
};

type WorldVariable = 'DATABASE_URL' | 'REDIS_URL' | 'IDSCAN_DATA_DIR' | 'REPORTS_DIR';

export type World = Awaited<ReturnType<typeof createWorld>>;

/**
 * Servers of its own (so that they can be killed), a simulated vendor, and worker processes that are started again
 * whenever they die.
 */
export async function createWorld({ seed, transactions, workers, workerScript, variables = {} }: WorldOptions) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-chaos-'));
  atEnd(() => rm(folder, { recursive: true, force: true }));
  const dataDir = path.join(folder, 'servers');
  const services = await acquireServices({ dataDir });
  atEnd(services.release);
  const { appUrl, ownerUrl } = await prepareOwnServer(services.databaseUrl, folder);
  const simulator = await startSimulator({
    seed,
    month: '2026-10',
    transactions,
    latencyMs: 15,
    filesPerResult: 1,
    fileBytes: 512,
    faults: { share: 0.02, kinds: ['server_error', 'reset', 'cut_length', 'html'] },
  });
  atEnd(simulator.close);
  const environment: Record<WorldVariable, string> & Record<string, string> = {
    folder,
    DATABASE_URL: appUrl,
    REDIS_URL: services.redisUrl,
    IDSCAN_DATA_DIR: path.join(folder, 'data'),
    REPORTS_DIR: path.join(folder, 'reports'),
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    LOG_LEVEL: 'silent',
    ...variables,
  };
  const fleet = createFleet(workers, environment, workerScript);
  atEnd(fleet.end);
  return { folder, dataDir, ownerUrl, simulator, environment, fleet, servers: serverControls(dataDir) };
}

type Slug = 'postgres' | 'redis';

function serverControls(dataDir: string) {
  const pidOf = async (slug: Slug): Promise<number> => {
    const state = JSON.parse(await readFile(path.join(dataDir, 'services', `${slug}.json`), 'utf8')) as { pid: number };
    return state.pid;
  };
  const ended = (pid: number) =>
    waitFor('the server to end', () => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  const redisFiles = async (): Promise<string[]> => {
    const names = await readdir(path.join(dataDir, 'redis'), { recursive: true });
    return names
      .filter((name) => /(^|\/)(appendonlydir|dump\.rdb)$/.test(name))
      .map((name) => path.join(dataDir, 'redis', name));
  };
  return {
    /** Ends a server without a chance to save anything. Postgres: as `pg_ctl stop -m immediate` does. */
    kill: async (slug: Slug) => {
      const pid = await pidOf(slug);
      process.kill(pid, slug === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
      await ended(pid);
    },
    /** The server again, at the same address. */
    restart: async () => {
      const again = await acquireServices({ dataDir });
      await again.release();
    },
    /** What a Redis without persistence loses. Only while it is down. */
    forgetRedis: async () => {
      for (const file of await redisFiles()) await rm(file, { recursive: true, force: true });
    },
    /** A copy of Redis' files as they are now. @returns a function that puts it back; only while Redis is down. */
    snapshotRedis: async () => {
      const copies = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-snapshot-'));
      atEnd(() => rm(copies, { recursive: true, force: true }));
      const files = await redisFiles();
      for (const [index, file] of files.entries())
        await cp(file, path.join(copies, String(index)), { recursive: true, preserveTimestamps: true });
      return async () => {
        for (const file of await redisFiles()) await rm(file, { recursive: true, force: true });
        for (const [index, file] of files.entries())
          await cp(path.join(copies, String(index)), file, { recursive: true });
      };
    },
  };
}

const launcher = path.join(import.meta.dirname, '../../bin/idscan-ledger.js');

/** Worker processes; one that dies is replaced at once. */
function createFleet(size: number, environment: Readonly<Record<string, string>>, script?: string) {
  const { PATH = '', HOME = '' } = process.env;
  const living = new Set<ChildProcess>();
  let isWanted = false;
  let deaths = 0;
  const start = () => {
    const child = spawn(process.execPath, script === undefined ? [launcher, 'worker'] : [script], {
      cwd: environment['folder'],
      env: { PATH, HOME, ...environment },
      stdio: 'ignore',
    });
    living.add(child);
    child.once('exit', () => {
      living.delete(child);
      deaths += 1;
      if (isWanted) start();
    });
  };
  const all = () => [...living];
  return {
    start: () => {
      isWanted = true;
      for (let index = 0; index < size; index += 1) start();
    },
    /** Kills one of them, chosen by a number from 0 to 1. @returns whether there was one. */
    killOne: (chance: number): boolean => {
      const unhurt = all().filter(({ killed }) => !killed);
      return unhurt[Math.floor(chance * unhurt.length)]?.kill('SIGKILL') ?? false;
    },
    signalAll: (signal: NodeJS.Signals) => all().forEach((child) => child.kill(signal)),
    all,
    deaths: () => deaths,
    end: async () => {
      isWanted = false;
      const exits = all().map((child) => new Promise((resolve) => child.once('exit', resolve)));
      for (const child of all()) {
        child.kill('SIGCONT');
        child.kill('SIGKILL');
      }
      await Promise.all(exits);
    },
  };
}

/** Registers all transactions of a world. */
export async function enqueueAll({ simulator, environment }: World): Promise<void> {
  const { code, stderr } = await runCli(['enqueue', '-'], environment, simulator.idsCsv());
  if (code !== 0) throw new Error(`enqueue failed: ${stderr}`);
}

/** Asks the database until it answers; servers come and go in these tests. */
export async function query<Row extends pg.QueryResultRow>({ environment }: World, text: string): Promise<Row[]> {
  return waitFor('an answer of Postgres', async () => {
    const client = new pg.Client({ connectionString: environment.DATABASE_URL, connectionTimeoutMillis: 2_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
      return (await client.query<Row>(text)).rows;
    } catch {
      return undefined;
    } finally {
      await client.end().catch(() => undefined);
    }
  });
}

/** How many obligations are not done. */
export async function openWork(world: World): Promise<number> {
  const [row] = await query<{ open: string }>(world, `select count(*) as open from obligations where state <> 'done'`);
  return Number(row?.open);
}

/** How much is done, for a scenario that spreads its faults over the work. */
export async function doneWork(world: World): Promise<number> {
  const [row] = await query<{ done: string }>(world, `select count(*) as done from obligations where state = 'done'`);
  return Number(row?.done);
}

/** What is wrong with the books once all work is done: lines lost, doubled or different from the vendor's. */
export async function faultsInBooks(world: World): Promise<string[]> {
  const { simulator, environment } = world;
  const { code, stderr } = await waitFor('no worker to write the report', async () => {
    const written = await runCli(['report', '2026-10'], environment);
    return !written.stderr.includes('(report_busy)') && written;
  });
  if (code !== 0) return [`report failed: ${stderr}`];
  const own = asLines((await readReport(environment.REPORTS_DIR, '2026-10')).detail);
  const vendor = asLines(simulator.invoice());
  const doubled = own.filter((line, index) => line === own[index - 1]).map((line) => `doubled: ${line}`);
  const [ownSet, vendorSet] = [new Set(own), new Set(vendor)];
  return [
    ...doubled,
    ...vendor.filter((line) => !ownSet.has(line)).map((line) => `lost: ${line}`),
    ...own.filter((line) => !vendorSet.has(line)).map((line) => `not the vendor's: ${line}`),
  ];
}
