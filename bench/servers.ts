import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import pg from 'pg';
import { acquireServices } from '../src/embedded/index.ts';
import { runProcess } from './processes.ts';

/** A database, a Redis and folders, for one run alone. */
export type Sandbox = {
  readonly databaseUrl: string;
  readonly folder: string;
  /** The variables with which a command works in it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs a query and returns its rows. */
  readonly query: <Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]) => Promise<Row[]>;
  readonly drop: () => Promise<void>;
};

export type Servers = {
  /** @param checkout the one whose migrations the database gets. */
  readonly sandbox: (checkout: string) => Promise<Sandbox>;
  readonly redis: Redis;
  readonly stop: () => Promise<void>;
};

export type Urls = { readonly databaseUrl: string | undefined; readonly redisUrl: string | undefined };

/** By user, because another user's folders cannot be removed. */
const runFolder = `idscan-ledger-bench-run-${os.userInfo().uid}-`;

/**
 * Uses the given servers, or embedded ones in a folder of their own. The next run reuses what an interrupted one left
 * there.
 */
export async function startServers(urls: Urls, notice: (line: string) => void): Promise<Servers> {
  const checkout = createHash('sha256')
    .update(import.meta.dirname)
    .digest('hex')
    .slice(0, 12);
  const dataDir = path.join(os.tmpdir(), `idscan-ledger-bench-${os.userInfo().uid}-${checkout}`);
  const services = await acquireServices({ dataDir, notice, ...urls });
  const admin = new pg.Client({ connectionString: services.databaseUrl });
  await admin.connect();
  const redis = new Redis(services.redisUrl);
  const templates = new Map<string, string>();
  const names = new Set<string>();
  const folders: string[] = [];
  const create = async (template: string): Promise<string> => {
    const name = `idscan_bench_${process.pid}_${randomBytes(4).toString('hex')}`;
    await admin.query(`create database ${name} template ${template} strategy file_copy`);
    names.add(name);
    return name;
  };
  const drop = async (name: string): Promise<void> => {
    await admin.query(`drop database if exists ${name} with (force)`);
    names.delete(name);
  };
  const template = async (of: string): Promise<string> => {
    const known = templates.get(of);
    if (known !== undefined) return known;
    const name = await create('template1');
    const environment = { DATABASE_URL: withDatabase(services.databaseUrl, name), REDIS_URL: services.redisUrl };
    await runProcess({ args: [launcherOf(of), 'migrate', 'up'], environment });
    templates.set(of, name);
    return name;
  };
  await dropLeftOvers(admin);
  return {
    redis,
    sandbox: async (of) => {
      const name = await create(await template(of));
      await redis.flushdb();
      const folder = await mkdtemp(path.join(os.tmpdir(), `${runFolder}${process.pid}-`));
      folders.push(folder);
      return sandboxIn(folder, withDatabase(services.databaseUrl, name), services.redisUrl, () => drop(name));
    },
    stop: async () => {
      for (const name of names) await drop(name);
      for (const folder of folders) await rm(folder, { recursive: true, force: true });
      await removeLeftOvers();
      await admin.end();
      redis.disconnect();
      await services.release();
    },
  };
}

/** The command, as users start it. */
export const launcherOf = (checkout: string): string => path.join(checkout, 'bin', 'idscan-ledger.js');

function sandboxIn(folder: string, databaseUrl: string, redisUrl: string, dropDatabase: () => Promise<void>): Sandbox {
  return {
    databaseUrl,
    folder,
    environment: {
      DATABASE_URL: databaseUrl,
      REDIS_URL: redisUrl,
      IDSCAN_DATA_DIR: path.join(folder, 'data'),
      REPORTS_DIR: path.join(folder, 'reports'),
      PRICES_FILE: path.join(import.meta.dirname, '../examples/prices.json'),
      LOG_LEVEL: 'warn',
    },
    // A connection per call: an open one would prevent copying the database.
    query: async <Row extends pg.QueryResultRow>(text: string, values: readonly unknown[] = []) => {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      try {
        return (await client.query<Row>(text, [...values])).rows;
      } finally {
        await client.end();
      }
    },
    drop: async () => {
      await dropDatabase();
      await emptyFiles(folder);
    },
  };
}

/**
 * Truncates the files of a run instead of deleting them, until the servers stop. On ext4 without a journal, creating
 * files is slow for six minutes after many deletions, because it checks every freed inode.
 */
async function emptyFiles(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) if (entry.isFile()) await truncate(path.join(entry.parentPath, entry.name));
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}

/** Drops databases of killed runs. */
async function dropLeftOvers(admin: pg.Client): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname like 'idscan\\_bench\\_%'`,
  );
  for (const { datname } of rows) {
    const pid = Number(/^idscan_bench_(\d+)_/.exec(datname)?.[1]);
    if (!isAlive(pid)) await admin.query(`drop database if exists ${datname} with (force)`);
  }
}

/** Removes folders of killed runs. */
async function removeLeftOvers(): Promise<void> {
  for (const name of await readdir(os.tmpdir())) {
    const pid = new RegExp(`^${runFolder}(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(path.join(os.tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
