import { describe, expect, it, vi } from 'vitest';
import { waitFor } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { type RedisServer, startCluster, startRedis, startSentinels } from '../support/redis-servers.ts';
import { createWork, expectQuiet, startBatch, startSwitch, startWorker } from './redis-support.ts';
import { isFull } from './world.ts';

vi.setConfig({ testTimeout: 180_000 });

describe('a worker that is started on a Redis that refuses', () => {
  it.each<[string, () => Promise<string>, string]>([
    [
      'a replica',
      async () => (await startRedis(['--replicaof', `127.0.0.1 ${(await startRedis()).port}`])).url,
      'it is a read-only replica',
    ],
    [
      'a Sentinel',
      async () => `redis://${(await startSentinels(await startRedis()))[0]}/0`,
      'it is a Sentinel, not a Redis',
    ],
    [
      'the wrong node of a cluster',
      async () => {
        const nodes = await startCluster();
        const slot = await nodes[0]!.admin.cluster('KEYSLOT', '{idscan-ledger}');
        return nodes[slot < 5_462 ? 1 : 0]!.url;
      },
      'it is a node of a Redis Cluster that does not hold our keys',
    ],
    ['a full memory', async () => (await startRedis(['--maxmemory', '100kb'])).url, 'its memory is full'],
    [
      'a Sentinel that knows no such master',
      async () => `redis+sentinel://${(await startSentinels(await startRedis())).join(',')}/other`,
      'the Sentinels know no master of that name',
    ],
  ])('ends at once with exit 3 and the reason: %s', async (_name, start, reason) => {
    const { environment } = await createWork(await start(), 1);
    const { code, stderr } = await runCli(['worker'], environment);
    expect(stderr).toContain(`Redis refuses commands: ${reason}.`);
    expect(stderr).toContain('(queue_misconfigured)');
    expect(stderr).not.toContain('    at ');
    expect(code).toBe(3);
  });
});

const beginnings: [
  name: string,
  refuse: (redis: RedisServer) => Promise<unknown>,
  heal: (redis: RedisServer) => Promise<unknown>,
  reason: string,
][] = [
  [
    'a replica',
    ({ admin }) => admin.replicaof('127.0.0.1', '1'),
    ({ admin }) => admin.replicaof('NO', 'ONE'),
    'it is a read-only replica',
  ],
  [
    'a full memory',
    ({ admin }) => admin.config('SET', 'maxmemory', '100kb'),
    ({ admin }) => admin.config('SET', 'maxmemory', '0'),
    'its memory is full',
  ],
  [
    'rights that are taken away',
    ({ admin }) => admin.acl('SETUSER', 'worker', 'resetkeys', '~other:*'),
    ({ admin }) => admin.acl('SETUSER', 'worker', '~*'),
    'its ACL does not let us use our keys',
  ],
  [
    'a password that is changed',
    async ({ admin }) => {
      await admin.acl('SETUSER', 'worker', 'resetpass', '>other');
      await admin.client('KILL', 'USER', 'worker');
    },
    ({ admin }) => admin.acl('SETUSER', 'worker', '>pw'),
    'it refuses our user or password',
  ],
];

describe('a worker whose Redis begins to refuse', () => {
  /** The short form has the first of them alone. */
  it.each(isFull ? beginnings : beginnings.slice(0, 1))(
    'is quiet, and goes on by itself: %s',
    async (name, refuse, heal, reason) => {
      const redis = await startRedis();
      await redis.admin.acl('SETUSER', 'worker', 'on', '>pw', '~*', '+@all');
      const work = await createWork(`redis://worker:pw@127.0.0.1:${redis.port}/0`);
      const worker = await startWorker(work.environment);
      await work.enqueue(20);
      await waitFor('the first results', async () => (await work.left()) === 0, 60_000);
      await refuse(redis);
      const { stderr } = await work.enqueue(20);
      expect(stderr).toContain(`Redis refuses commands: ${reason}.`);
      await expectQuiet(name, worker);
      expect(worker.lines().filter((line) => line.includes('redis refuses commands'))).not.toEqual([]);
      await heal(redis);
      const healedMs = performance.now();
      await waitFor('work to go on', () => worker.lines().some((line) => line.includes('work goes on')), 30_000);
      await waitFor('everything', async () => (await work.left()) === 0, 60_000);
      process.stdout.write(
        `${name}: all done ${Math.round(performance.now() - healedMs)} ms after it was well again\n`,
      );
    },
  );

  if (!isFull) return;

  it('ends a batch run after two minutes, with exit 3 and the reason', { timeout: 300_000 }, async () => {
    const redis = await startRedis();
    const work = await createWork(redis.url);
    await work.enqueue(60);
    const run = await startBatch(work.environment);
    await redis.admin.replicaof('127.0.0.1', '1');
    const { code, stderr } = await run.result;
    expect(stderr).toContain('Redis refuses commands: it is a read-only replica.');
    expect(stderr).toContain('"code":"queue_misconfigured"');
    expect(code).toBe(3);
  });

  it('goes on where its address leads, though the demoted master keeps its connections', async () => {
    const first = await startRedis();
    const second = await startRedis(['--replicaof', `127.0.0.1 ${first.port}`]);
    const address = await startSwitch(first.port);
    const work = await createWork(address.url);
    const worker = await startWorker(work.environment);
    await work.enqueue(20);
    await waitFor('the first results', async () => (await work.left()) === 0, 60_000);
    await second.admin.replicaof('NO', 'ONE');
    await first.admin.replicaof('127.0.0.1', String(second.port));
    await work.enqueue(20);
    await expectQuiet('kept connections', worker);
    address.leadTo(second.port);
    const healedMs = performance.now();
    await waitFor('everything', async () => (await work.left()) === 0, 30_000);
    process.stdout.write(`kept connections: all done after ${Math.round(performance.now() - healedMs)} ms\n`);
  });
});
