import { randomInt } from 'node:crypto';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, inject } from 'vitest';
import { composeBooks } from '../../src/compose/books.ts';
import { loadConfig } from '../../src/config/config.ts';
import { recordIntake } from '../../src/db/intake.ts';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { acquireServices, type Services } from '../../src/embedded/index.ts';
import { type SimulatorOptions, startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestDatabase, createTestFolder, waitFor } from '../support/books.ts';
import { type CliEnvironment, startCli } from '../support/cli.ts';
import { asLines, readReport } from '../support/report-files.ts';
import { isTlsRequest, statementReader, withoutTls } from './postgres-statements.ts';

/**
 * What becomes of connections, those that are open already included.
 * - `forward`: nothing is wrong.
 * - `black-hole`: accepted and swallowed. Nothing is answered and nothing closed, neither now nor once other connections
 *   are forwarded again: as after a firewall that forgot its state. The server keeps its end.
 * - `black-hole-new`: the same for connections from now on alone.
 * - `refuse`: the port is closed, what was open is reset.
 * - `reset`: the port is open, what connects is reset at once.
 */
export type ProxyMode = 'forward' | 'black-hole' | 'black-hole-new' | 'refuse' | 'reset';

/** Writes to Postgres whose reply never arrives: committed there, broken off here. */
type DroppedReplies = {
  /** How many replies are dropped before the proxy is honest again. */
  readonly count: number;
  /** Which writes are meant, by their text and values as sent. */
  readonly isMeant: (statement: string) => boolean;
};

export type TcpProxy = {
  /** The same URL with this proxy in place of the server. */
  readonly url: string;
  /** For a Postgres: without TLS, so that the proxy can read what goes by and drop replies. */
  readonly readableUrl: string;
  readonly set: (mode: ProxyMode) => Promise<void>;
  readonly drop: (replies: DroppedReplies) => void;
  /** Replies dropped so far. */
  readonly dropped: () => number;
  readonly close: () => Promise<void>;
};

type Pair = { readonly client: net.Socket; readonly server: net.Socket; isSwallowed: boolean; isDropping: boolean };

// Not the bare word: the names of rights are among the values that a start sends.
const write = /\b(insert into|update\s+[a-z_]+|delete from)\b/i;
/** ReadyForQuery, which Postgres sends after it has committed: the letter, the length 5, the state of the session. */
const readyForQuery = Buffer.from('Z\0\0\0\x05', 'latin1');
/** Stands between a program and the server that a URL names, on a port of its own. */
export async function startTcpProxy(target: string): Promise<TcpProxy> {
  const { hostname, port: targetPort, protocol } = new URL(target);
  const isPostgres = protocol.startsWith('postgres');
  const clients = new Set<net.Socket>();
  const pairs = new Set<Pair>();
  let mode: ProxyMode = 'forward';
  let plan: DroppedReplies | undefined;
  let dropped = 0;

  const connect = (client: net.Socket) => {
    clients.add(client);
    client.on('error', () => undefined).once('close', () => clients.delete(client));
    if (mode === 'reset') client.resetAndDestroy();
    else if (mode === 'forward') forward(client.setNoDelay(true));
    else client.resume();
  };
  const forward = (client: net.Socket) => {
    const server = net.connect({ host: hostname, port: Number(targetPort), noDelay: true, allowHalfOpen: true });
    const pair: Pair = { client, server, isSwallowed: false, isDropping: false };
    pairs.add(pair);
    server.on('error', () => undefined).once('close', () => pairs.delete(pair));
    for (const [from, to] of [[client, server] as const, [server, client] as const]) {
      from.on('end', () => pair.isSwallowed || to.end()).once('close', () => pair.isSwallowed || to.destroy());
      to.on('drain', () => from.resume());
    }
    const readStatements = statementReader();
    let isReadable: boolean | undefined;
    client.on('data', (bytes) => {
      if (pair.isSwallowed) return;
      isReadable ??= isPostgres && !isTlsRequest(bytes);
      const statements = isReadable ? readStatements(bytes) : [];
      pair.isDropping ||= statements.some(isMeant);
      if (!server.write(bytes)) client.pause();
    });
    let tail = Buffer.of();
    server.on('data', (bytes) => {
      if (pair.isSwallowed) return;
      if (!pair.isDropping) {
        if (!client.write(bytes)) server.pause();
        return;
      }
      tail = Buffer.concat([tail, bytes]).subarray(-6);
      if (!tail.subarray(0, 5).equals(readyForQuery)) return;
      dropped += 1;
      server.destroy();
    });
  };
  const isMeant = (statement: string): boolean => {
    if (!plan || plan.count <= 0) return false;
    if (!write.test(statement) || !plan.isMeant(statement)) return false;
    plan = { ...plan, count: plan.count - 1 };
    return true;
  };

  // Half open: a swallowed connection does not answer a goodbye either.
  const listener = net.createServer({ allowHalfOpen: true }, connect);
  const port = await listenSomewhere(listener);
  const hangUp = () => {
    for (const client of clients) client.resetAndDestroy();
    for (const { server } of pairs) server.destroy();
  };
  const url = Object.assign(new URL(target), { hostname: '127.0.0.1', port: String(port) });
  return {
    url: url.toString(),
    readableUrl: withoutTls(url),
    set: async (wanted) => {
      mode = wanted;
      if (mode === 'black-hole') for (const pair of pairs) swallow(pair);
      if (mode === 'refuse' || mode === 'reset') hangUp();
      if (mode === 'refuse') await stopListening(listener);
      else if (!listener.listening) await listen(listener, port);
    },
    drop: (replies) => {
      plan = replies;
    },
    dropped: () => dropped,
    close: async () => {
      hangUp();
      await stopListening(listener);
    },
  };
}

/** What is on its way is read and thrown away, so that neither end notices by a full buffer. */
function swallow(pair: Pair): void {
  pair.isSwallowed = true;
  pair.client.resume();
  pair.server.resume();
}

/**
 * A port below those that the system hands out by itself: once this one is closed, nobody else gets it, and nobody who
 * tries to connect gets connected to himself.
 */
async function listenSomewhere(listener: net.Server): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    if (await listen(listener, port).then(() => true, isTaken)) return port;
  }
}

function isTaken(error: unknown): false {
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
  throw error;
}

function listen(listener: net.Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once('error', reject);
    listener.listen(port, '127.0.0.1', () => {
      listener.off('error', reject);
      resolve();
    });
  });
}

function stopListening(listener: net.Server): Promise<void> {
  if (!listener.listening) return Promise.resolve();
  return new Promise((resolve) => {
    // Swallowed connections stay open; what counts is that the port is closed, which it is at once.
    listener.close();
    setImmediate(resolve);
  });
}

/** Servers of a test alone, which may be changed and restarted; a Postgres only where none is given. */
export async function ownServers(given: { databaseUrl?: string; dataDir?: string } = {}): Promise<Services> {
  const services = await acquireServices({ dataDir: given.dataDir ?? (await createTestFolder()), ...given });
  atEnd(services.release);
  return services;
}

/** Those of a test file, which end with it. Each has 16 databases. */
const ownRedis: Promise<Services>[] = [];
let redisDatabases = 0;

function startOwnRedis(): Promise<Services> {
  atEnd(() => Promise.resolve((ownRedis.length = redisDatabases = 0)));
  return ownServers({ databaseUrl: inject('appUrl') });
}

/** A database and a Redis database of their own. Not on the shared Redis: other files empty that one. */
async function ownDatabases(): Promise<CliEnvironment> {
  const number = redisDatabases++;
  const { redisUrl } = await (ownRedis[number >> 4] ??= startOwnRedis());
  return { DATABASE_URL: await createTestDatabase(), REDIS_URL: redisUrl.replace(/0$/, String(number % 16)) };
}

export const month = '2026-10';
export type WorldInput = {
  readonly simulation: Partial<SimulatorOptions>;
  readonly environment?: CliEnvironment;
  /** DATABASE_URL, with all migrations, and REDIS_URL. */
  readonly servers?: CliEnvironment;
};
export type World = Awaited<ReturnType<typeof createWorld>>;

/** A vendor, books, and environments for commands: one with the servers, one with the proxies before them. */
export async function createWorld({ simulation, environment = {}, servers }: WorldInput) {
  const options = { seed: 'outages', month, transactions: 120, latencyMs: 300, filesPerResult: 1, ...simulation };
  const simulator = await startSimulator(options);
  atEnd(simulator.close);
  const folder = await createTestFolder();
  const direct: CliEnvironment & { folder: string } = {
    folder,
    ...(servers ?? (await ownDatabases())),
    IDSCAN_DATA_DIR: path.join(folder, 'data'),
    REPORTS_DIR: path.join(folder, 'reports'),
    IDSCAN_BASE_URL: simulator.baseUrl,
    IDSCAN_KEY_ID: simulator.keyId,
    IDSCAN_KEY_SECRET: simulator.secret,
    ...environment,
  };
  const { DATABASE_URL = '', REDIS_URL = '' } = direct;
  const proxies = { redis: await startTcpProxy(REDIS_URL), postgres: await startTcpProxy(DATABASE_URL) };
  for (const { close } of Object.values(proxies)) atEnd(close);
  const { config } = loadConfig({ ...direct, LOG_LEVEL: 'silent' }, { vendorKey: false });
  const { context, close } = await composeBooks(config);
  atEnd(close);
  return {
    options,
    simulator,
    proxies,
    direct,
    proxied: { ...direct, REDIS_URL: proxies.redis.url, DATABASE_URL: proxies.postgres.url },
    /** For replies to be dropped, which a proxy can do only where it can read. */
    readable: { ...direct, REDIS_URL: proxies.redis.url, DATABASE_URL: proxies.postgres.readableUrl },
    set: async (mode: ProxyMode, names: readonly (keyof typeof proxies)[]) => {
      for (const name of names) await proxies[name].set(mode);
    },
    /** Registers all transactions, without telling Redis: that is for the sweep. */
    register: async () => {
      const items = simulator.transactions.map(({ transactionId, resultId }) => ({ transactionId, resultId }));
      await recordIntake(context.db.kysely, items, 'file', 0);
    },
    /** Obligations by state, the most attempts that one has used up, and what failed with what. */
    counts: async () => {
      const { rows } = await sql<{ due: number; done: number; failed: string[]; attempts: number }>`
        select (count(*) filter (where state = 'due'))::int as due, (count(*) filter (where state = 'done'))::int as done,
          coalesce(max(attempts_made), 0) as attempts,
          coalesce(array_agg(kind || ': ' || last_error_code) filter (where state = 'failed'), '{}') as failed
        from obligations`.execute(context.db.kysely);
      return rows[0]!;
    },
    /** The report's lines and the vendor's own, which have to be the same. */
    books: async () => {
      await writeReport(context, month);
      const { detail } = await readReport(config.reportsDir, month);
      return { own: asLines(detail), vendor: asLines(simulator.invoice()) };
    },
  };
}

/** For what has no promise of its own, on a machine that is busy with other things. */
export const patienceMs = 120_000;

export type Worker = ReturnType<typeof startCli>;
export const since = (startedMs: number) => Math.round(performance.now() - startedMs);

/** Waits like `waitFor`, asking Postgres no more often than it takes. */
export const eventually = (
  what: string,
  condition: () => Promise<boolean>,
  deadlineMs = patienceMs,
): Promise<unknown> => waitFor(what, async () => (await condition()) || (await delay(100, false)), deadlineMs);

export async function workUnderWay({ simulator, proxied }: World, requests: number): Promise<Worker> {
  const worker = startCli(['worker'], proxied);
  await waitFor('work under way', () => simulator.requests.total >= requests, patienceMs);
  return worker;
}

export async function expectOrderlyEnd(worker: Worker): Promise<number> {
  expect(worker.exitCode, 'the worker lives').toBeNull();
  const askedMs = performance.now();
  worker.kill('SIGTERM');
  const { code, stderr } = await worker.result;
  const tookMs = since(askedMs);
  expect(code, stderr.slice(-4_000)).toBe(0);
  expect(tookMs, 'time to end').toBeLessThan(30_000);
  return tookMs;
}

/** Nothing is left, nothing failed, and the report says what the vendor invoices, to the line. */
export async function expectBooks({ counts, books }: World): Promise<void> {
  expect(await counts()).toMatchObject({ due: 0, failed: [] });
  const { own, vendor } = await books();
  expect(vendor.length).toBeGreaterThan(20);
  expect(own).toEqual(vendor);
}
