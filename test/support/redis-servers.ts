import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Redis, type RedisOptions } from 'ioredis';
import { findRedis } from '../../src/embedded/redis-files.ts';
import { atEnd, createTestFolder, waitFor } from './books.ts';

/** A Redis of the test's own, that it may break. */
export type RedisServer = {
  readonly port: number;
  readonly url: string;
  readonly process: ChildProcess;
  /** A connection to administer it with. */
  readonly admin: Redis;
  readonly stop: () => Promise<void>;
};

/** A port that is free now. */
export async function freePort(below = 65_536): Promise<number> {
  for (;;) {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as net.AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    if (port < below) return port;
  }
}

async function startProgram(args: readonly string[], cwd: string): Promise<ChildProcess> {
  const { program } = await findRedis([path.join(os.homedir(), '.cache', 'idscan-ledger')], () => undefined);
  const { PATH = '' } = process.env;
  const child = spawn(program.file, [...args], {
    cwd,
    env: { PATH, LD_LIBRARY_PATH: program.libraries.join(':') },
    stdio: 'ignore',
  });
  atEnd(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });
  return child;
}

/** Starts a Redis on loopback; `settings` as on its command line, such as `['--maxmemory', '3mb']`. */
export async function startRedis(
  settings: readonly string[] = [],
  { port: given, admin: options = {} }: { port?: number; admin?: Omit<RedisOptions, 'replyMapping'> } = {},
): Promise<RedisServer> {
  const port = given ?? (await freePort());
  const base = ['--bind', '127.0.0.1', '--save', '', '--maxmemory-policy', 'noeviction', '--protected-mode', 'no'];
  const child = await startProgram(['--port', String(port), ...base, ...settings], await createTestFolder());
  const admin = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 100, ...options });
  admin.on('error', () => undefined);
  atEnd(() => {
    admin.disconnect();
    return Promise.resolve();
  });
  void admin.connect().catch(() => undefined);
  await waitFor('redis', () => admin.status === 'ready');
  return {
    port,
    url: `redis://127.0.0.1:${port}/0`,
    process: child,
    admin,
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

/** Three Sentinels that watch a master by the name `mymaster`, and fail over within some 2 s. */
export async function startSentinels(master: RedisServer): Promise<string[]> {
  const { writeFile } = await import('node:fs/promises');
  const hosts = await Promise.all(
    [1, 2, 3].map(async () => {
      const folder = await createTestFolder();
      const port = await freePort();
      const file = path.join(folder, 'sentinel.conf');
      await writeFile(
        file,
        [
          `port ${port}`,
          'bind 127.0.0.1',
          'protected-mode no',
          `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
          'sentinel down-after-milliseconds mymaster 1000',
          'sentinel failover-timeout mymaster 5000',
          '',
        ].join('\n'),
      );
      await startProgram([file, '--sentinel'], folder);
      return `127.0.0.1:${port}`;
    }),
  );
  const [first = ''] = hosts;
  const sentinel = new Redis({ port: Number(first.split(':')[1]), host: '127.0.0.1' });
  sentinel.on('error', () => undefined);
  await waitFor('the sentinels to know one another', async () => {
    const known = (await sentinel.call('SENTINEL', 'SENTINELS', 'mymaster').catch(() => [])) as unknown[];
    return known.length === 2;
  });
  sentinel.disconnect();
  return hosts;
}

/** A Redis Cluster of three masters without replicas. */
export async function startCluster(settings: readonly string[] = []): Promise<RedisServer[]> {
  // The nodes' own port is 10,000 above.
  const start = async () =>
    startRedis(['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', ...settings], {
      port: await freePort(55_000),
    });
  const nodes = [await start(), await start(), await start()];
  const share = Math.ceil(16_384 / nodes.length);
  for (const [index, { admin }] of nodes.entries())
    await admin.cluster('ADDSLOTSRANGE', index * share, Math.min(16_384, (index + 1) * share) - 1);
  const [first] = nodes;
  for (const { port } of nodes.slice(1)) await first!.admin.cluster('MEET', '127.0.0.1', port);
  await waitFor('the cluster', async () =>
    (await Promise.all(nodes.map(({ admin }) => admin.cluster('INFO')))).every((info) =>
      /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(info),
    ),
  );
  return nodes;
}
