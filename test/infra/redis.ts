import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { execute } from '../../src/embedded/execute.ts';
import { serverAccount } from './debian.ts';
import { belongsToServers, eventually, serverFolder, type ServerProcess, startServer } from './processes.ts';

export type Flavour = 'redis' | 'valkey';
export const redisPassword = 'a-password-of-the-suite';

/** One Redis or Valkey on a port and a folder of its own, which can be killed and started again. */
export type RedisNode = {
  readonly port: number;
  /** The largest file that it may write, in bytes, or `unlimited`. */
  readonly limitFiles: (bytes: string) => Promise<void>;
  readonly start: () => Promise<void>;
  /** As after a power cut of that one machine. */
  readonly kill: () => Promise<void>;
  /** Asks it as its administrator; throws what it answers. */
  readonly ask: (...command: (string | number)[]) => Promise<unknown>;
  /** What INFO says under a name. */
  readonly info: (field: string) => Promise<string>;
};

export type RedisNodeInput = {
  readonly flavour?: Flavour;
  readonly port: number;
  /** Lines of its configuration. */
  readonly settings?: readonly string[];
  readonly isSentinel?: boolean;
};

/** A node that does not run yet. */
export async function redisNode({ flavour = 'redis', port, ...input }: RedisNodeInput): Promise<RedisNode> {
  const folder = await serverFolder();
  const file = path.join(folder, 'server.conf');
  const common = [`port ${port}`, 'bind 127.0.0.1', `dir ${folder}`, 'daemonize no', 'protected-mode no'];
  const data = [
    `requirepass ${redisPassword}`,
    `masterauth ${redisPassword}`,
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    'enable-debug-command yes',
    'repl-diskless-sync-delay 0',
  ];
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${[...common, ...(input.isSentinel ? [] : data), ...(input.settings ?? [])].join('\n')}\n`);
  await belongsToServers(file, 0o600);
  let server: ServerProcess | undefined;
  const ask = (...command: (string | number)[]) =>
    askRedis(port, input.isSentinel ? undefined : redisPassword, command);
  return {
    port,
    ask,
    limitFiles: (bytes) => limitFiles(server?.pid ?? 0, bytes, serverAccount),
    info: async (field) => {
      const text = String(await ask('INFO'));
      return new RegExp(`^${field}:(.*?)\r?$`, 'm').exec(text)?.[1] ?? '';
    },
    start: async () => {
      const started = await startServer(flavour, [file, ...(input.isSentinel ? ['--sentinel'] : [])], folder);
      server = started;
      await eventually('Redis to start', async () => {
        if (started.hasEnded()) throw new Error(`Redis ended: ${started.said()}`);
        return ask('PING').then(
          () => true,
          // It runs; what it still reads from its disk is another matter.
          (error: unknown) => String(error).includes('LOADING'),
        );
      });
    },
    kill: async () => {
      await server?.end('SIGKILL');
    },
  };
}

/** How large a file of a process may become; what it writes beyond that fails, as on a full disk. */
export async function limitFiles(pid: number, bytes: string, account?: typeof serverAccount): Promise<void> {
  const args = ['--pid', String(pid), `--fsize=${bytes}:`];
  const { code, output } = await execute({ command: 'prlimit', args, timeoutMs: 10_000, ...account });
  if (code !== 0) throw new Error(`prlimit failed: ${output}`);
}

async function askRedis(port: number, password: string | undefined, command: (string | number)[]): Promise<unknown> {
  const client = new Redis({
    host: '127.0.0.1',
    port,
    lazyConnect: true,
    enableReadyCheck: false,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
    connectTimeout: 2_000,
    commandTimeout: 20_000,
    disconnectTimeout: 50,
    ...(password === undefined ? {} : { password }),
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const [name = '', ...args] = command;
    return await client.call(String(name), ...args.map(String));
  } finally {
    client.disconnect();
  }
}

/** Waits until a node takes writes. */
export async function takesWrites(node: RedisNode): Promise<void> {
  await eventually('Redis to take writes', () =>
    node.ask('SET', '{idscan-ledger}:probe-of-the-suite', '1').then(
      (answer) => answer === 'OK',
      () => false,
    ),
  );
}

/** Waits until it is neither reading nor writing all that it has. */
export async function isLoaded(node: RedisNode): Promise<void> {
  await eventually('Redis to be at rest', async () => {
    const fields = await Promise.all(['loading', 'aof_rewrite_in_progress', 'aof_rewrite_scheduled'].map(node.info));
    return fields.every((value) => value === '0');
  });
}

/** Waits until a replica has all that its master has. */
export async function isInSync(replica: RedisNode): Promise<void> {
  await eventually(
    'a replica in sync',
    async () => (await replica.info('master_link_status').catch(() => '')) === 'up',
  );
}

export async function singleRedis(flavour: Flavour, port: number, settings: readonly string[] = []) {
  const node = await redisNode({ flavour, port, settings });
  await node.start();
  return { node, url: `redis://:${redisPassword}@127.0.0.1:${port}/0` };
}
