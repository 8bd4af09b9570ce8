import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, onTestFinished } from 'vitest';
import { acquireEmbedded, type Settings } from '../../src/embedded/acquire.ts';
import { acquireServices, type Services, type ServicesInput } from '../../src/embedded/index.ts';
import { isAlive, startOf, type ProcessId } from '../../src/embedded/processes.ts';
import { until } from '../../src/embedded/wait.ts';

const ownCheckout = path.resolve(import.meta.dirname, '../..');

/** A file of the checkout, or of the same checkout under another name. Files elsewhere stay where they are. */
export function inCheckout(file: string, checkout = ownCheckout): string {
  const name = path.relative(ownCheckout, path.resolve(ownCheckout, file));
  return name.startsWith('..') ? file : path.join(checkout, name);
}

/** Shared by all tests, so that a machine without Redis fetches it once. */
export const cacheDir = inCheckout('node_modules/.cache/idscan-ledger');

const settings: Settings = {
  cacheDir,
  patience: { silentMs: 15_000, startingMs: 30_000 },
  lockTimeoutMs: 30_000,
};

export type Urls = { databaseUrl: string; redisUrl: string };

/** A new folder. When the test is over nothing may run below it any more. */
export async function newFolder(mode = 0o755): Promise<string> {
  const folder = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'idscan-services-')));
  await fs.chmod(folder, mode);
  onTestFinished(async () => {
    try {
      await expectNothingLeft(folder);
    } finally {
      await fs.rm(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  });
  return folder;
}

let shared: Promise<string> | undefined;

/** A data folder that has been used before, the same for all tests of a file: making one takes a second. */
export async function usedDataDir(): Promise<string> {
  shared ??= makeDataDir();
  const dataDir = await shared;
  onTestFinished(async () => await expectNothingLeft(dataDir));
  return dataDir;
}

async function makeDataDir(): Promise<string> {
  const dataDir = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'idscan-services-')));
  await (await acquireServices({ dataDir, cacheDir })).release();
  return dataDir;
}

/** For `afterAll` of each file that uses `usedDataDir`. */
export async function dropUsedDataDir(): Promise<void> {
  if (shared === undefined) return;
  await fs.rm(await shared, { recursive: true, force: true });
  shared = undefined;
}

async function expectNothingLeft(folder: string): Promise<void> {
  const left = await serverProcesses(folder);
  for (const { pid } of left) process.kill(pid, 'SIGKILL');
  expect(left, 'processes left behind').toEqual([]);
}

/** Acquires in this process; a test that fails half way does not keep the servers. */
export async function acquire(dataDir: string, input: Partial<ServicesInput> = {}): Promise<Services> {
  const services = await acquireServices({ dataDir, cacheDir, ...input });
  onTestFinished(services.release);
  return services;
}

/** The same with what only tests may set. */
export async function acquireWith(dataDir: string, changed: Partial<Settings>): Promise<() => Promise<void>> {
  const own = { ...settings, ...changed };
  const { release } = await acquireEmbedded(dataDir, ['postgres', 'redis'], own, () => undefined);
  onTestFinished(release);
  return release;
}

/** Every server process that works in a folder below this one, found without the help of the code under test. */
export async function serverProcesses(folder: string): Promise<(ProcessId & { cwd: string })[]> {
  const found: (ProcessId & { cwd: string })[] = [];
  for (const name of (await fs.readdir('/proc')).filter((entry) => /^\d+$/.test(entry))) {
    const cwd = await fs.readlink(`/proc/${name}/cwd`).catch(() => '');
    const command = await fs.readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (!cwd.startsWith(`${folder}/`) || !/postgres|redis|valkey/.test(command)) continue;
    const startedAt = await startOf(Number(name));
    if (startedAt !== undefined) found.push({ pid: Number(name), startedAt, cwd });
  }
  return found;
}

/** The two processes that the state files name. */
export async function mainProcesses(dataDir: string): Promise<{ postgres: ProcessId; redis: ProcessId }> {
  const read = async (name: string) =>
    JSON.parse(await fs.readFile(path.join(dataDir, 'services', `${name}.json`), 'utf8')) as ProcessId;
  return { postgres: await read('postgres'), redis: await read('redis') };
}

export async function waitGone(processes: readonly ProcessId[]): Promise<void> {
  const gone = await until(
    async () => ((await Promise.all(processes.map(isAlive))).includes(true) ? undefined : true),
    20_000,
  );
  expect(gone, 'the processes ended in time').toBe(true);
}

/** How a holder is run: as another user, with fewer capabilities, or from the checkout under another name. */
export type HolderOptions = {
  prefix?: readonly string[];
  detached?: boolean;
  input?: Partial<ServicesInput>;
  checkout?: string;
};

export type Holder = { pid: number; next: () => Promise<Record<string, string>>; child: ChildProcess };

/** Starts a command in a process of its own. `next` gives what it says, one event at a time. */
export function startHolder(dataDir: string, options: HolderOptions = {}): Holder {
  const named = (file: string) => inCheckout(file, options.checkout);
  const input = JSON.stringify({ dataDir, cacheDir: named(cacheDir), ...options.input });
  const own = [named(process.execPath), named('test/embedded/holder.ts'), input];
  const [command = '', ...args] = [...(options.prefix ?? []), ...own] as readonly string[];
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], detached: options.detached ?? false });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async () => {
    const line = await lines.next();
    return line.done === true ? undefined : line.value;
  };
  onTestFinished(() => void child.kill('SIGKILL'));
  return {
    child,
    pid: child.pid ?? 0,
    next: async () => JSON.parse((await nextLine()) ?? '{"error":"ended"}') as Record<string, string>,
  };
}

/** Waits until the holder has its servers. */
export async function held(holder: Holder): Promise<Urls> {
  for (;;) {
    const event = await holder.next();
    expect(event).not.toHaveProperty('error');
    const { databaseUrl, redisUrl } = event;
    if (databaseUrl !== undefined && redisUrl !== undefined) return { databaseUrl, redisUrl };
  }
}

export async function endHolder(holder: Holder): Promise<void> {
  const ended = once(holder.child, 'exit');
  holder.child.stdin?.end();
  expect((await ended)[0]).toBe(0);
}

export async function killHolder(holder: Holder): Promise<void> {
  const ended = once(holder.child, 'exit');
  holder.child.kill('SIGKILL');
  await ended;
}

/** Runs one statement on a connection of its own. */
export async function sql(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

/** Does something with a Redis connection of its own. */
export async function redis<T>(url: string, task: (client: Redis) => Promise<T>): Promise<T> {
  const client = new Redis(url, { maxRetriesPerRequest: 1, retryStrategy: () => null });
  client.on('error', () => undefined);
  try {
    return await task(client);
  } finally {
    client.disconnect();
  }
}
