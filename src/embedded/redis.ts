import path from 'node:path';
import { Redis } from 'ioredis';
import { keptPassword, writeWhole } from './files.ts';
import { chooseLauncher } from './launch.ts';
import { claimFolder, type Layout } from './layout.ts';
import { findRedis } from './redis-files.ts';
import type { Health, Server } from './server.ts';

const ANSWER_TIMEOUT_MS = 3000;
const REFUSED = /^(NOAUTH|WRONGPASS|ERR (invalid password|AUTH|Client sent AUTH))/;

/** The embedded Redis below a data folder. `cacheDir`, if given, keeps a downloaded Redis for other data folders. */
export function redisServer(layout: Layout, cacheDir: string | undefined): Server {
  const base = layout.redis;
  const data = path.join(base, 'data');
  const password = () => keptPassword(path.join(base, 'password'), layout.account);
  let keepsTitle = true;
  return {
    name: 'Redis',
    slug: 'redis',
    layout,
    mark: { program: /(^|[\s/])(redis|valkey)-server(\s|$)/, cwd: data, names: [`${base}/`] },
    ending: [
      { signal: 'SIGTERM', graceMs: 30_000 },
      { signal: 'SIGKILL', graceMs: 5000 },
    ],
    hint: `Everything in ${data} can be made anew from Postgres. Or set REDIS_URL to a Redis of your own.`,
    prepare: async (notice) => {
      await claimFolder(base, layout.account);
      await claimFolder(data, layout.account);
      const found = await findRedis(
        [...(cacheDir === undefined ? [] : [cacheDir]), path.join(base, 'program')],
        notice,
      );
      keepsTitle = found.keepsTitle;
      return { program: found.program, launcher: await chooseLauncher(layout.account, found.program, data) };
    },
    args: async (port) => {
      const file = path.join(base, 'redis.conf');
      await writeWhole(file, settings(port, await password(), keepsTitle), { account: layout.account, durable: false });
      return [file];
    },
    health: async (port) => await health(port, await password()),
    url: async (port) => `redis://:${await password()}@127.0.0.1:${port}/0`,
  };
}

/** Settings go to a file, because everybody on the machine may read the command line. */
function settings(port: number, password: string, keepsTitle: boolean): string {
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    'daemonize no',
    'dir ./',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    // keeps the name of this file in the command line, by which the process is recognised
    ...(keepsTitle ? ['set-proc-title no'] : []),
    '',
  ].join('\n');
}

async function health(port: number, password: string): Promise<Health> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    password,
    lazyConnect: true,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: ANSWER_TIMEOUT_MS,
    commandTimeout: ANSWER_TIMEOUT_MS,
    // otherwise ending a closed connection would delay the end of the process
    disconnectTimeout: 100,
  });
  // a refused password is reported as an event; the thrown error only says that the connection is closed
  const events: string[] = [];
  client.on('error', (error) => events.push(error.message));
  try {
    await client.connect();
    await client.ping();
    return 'ready';
  } catch (error) {
    if (events.some((message) => REFUSED.test(message))) return 'foreign';
    return verdictOn(error instanceof Error ? error.message : '');
  } finally {
    client.disconnect();
  }
}

function verdictOn(message: string): Health {
  if (message.startsWith('LOADING')) return 'starting';
  if (REFUSED.test(message)) return 'foreign';
  // any other error comes from a Redis that has accepted our password
  return /^(BUSY|MISCONF|NOPERM|ERR) /.test(message) ? 'ready' : 'absent';
}
