import { once } from 'node:events';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, inject, test, vi } from 'vitest';
import { maxStarts } from '../../src/jobs/queue/queues.ts';
import type { Services } from '../../src/embedded/index.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { atEnd, createTestDatabase, createTestFolder, waitFor } from '../support/books.ts';
import { runCli, startCli } from '../support/cli.ts';
import { prepareOwnServer } from '../support/servers.ts';
import { freePort } from '../support/redis-servers.ts';
import { createWorld, eventually, expectBooks, expectOrderlyEnd, month, ownServers } from './tcp-proxy.ts';
import { seededChance } from './seeded-chance.ts';
import { patienceMs, type ProxyMode, since, type Worker, workUnderWay, type World } from './tcp-proxy.ts';

const isFull = process.env['CHAOS'] === 'full';
const outageMs = isFull ? 60_000 : 20_000;
const vendorOutageMs = isFull ? 60_000 : 15_000;
const droppedReplies = isFull ? 1_000 : 60;
const goesOnWithinMs = 30_000;

vi.setConfig({ testTimeout: 600_000, maxConcurrency: 6 });

/** Holds the worker to it that it goes on after an outage that ends now; `look` sees every count on the way. */
async function expectGoingOn(world: World, worker: Worker, within: number, look = world.counts): Promise<string> {
  const { due, done } = await look();
  expect(due, 'work left when the outage ends').toBeGreaterThan(20);
  const endedMs = performance.now();
  await eventually('the worker to go on', async () => (await look()).done >= done + 10);
  const goesOnMs = since(endedMs);
  await eventually('everything to be done', async () => (await look()).due === 0);
  const doneMs = since(endedMs);
  const figures = `went on after ${goesOnMs} ms, all done after ${doneMs} ms, ended in ${await expectOrderlyEnd(worker)} ms`;
  expect(goesOnMs, figures).toBeLessThan(within);
  await expectBooks(world);
  return figures;
}

const outages = [
  { names: ['redis'], mode: 'black-hole', isShort: true },
  { names: ['postgres'], mode: 'black-hole', isShort: true },
  { names: ['redis', 'postgres'], mode: 'refuse', isShort: true },
  { names: ['redis', 'postgres'], mode: 'black-hole', isShort: false },
  { names: ['redis'], mode: 'refuse', isShort: false },
  { names: ['postgres'], mode: 'refuse', isShort: false },
  { names: ['redis', 'postgres'], mode: 'reset', isShort: false },
] as const;

describe.concurrent('a lasting worker', () => {
  test.for(outages.filter(({ isShort }) => isFull || isShort))(
    `goes on within 30 s after ${outageMs / 1_000} s with $names: $mode`,
    async ({ names, mode }, { annotate }) => {
      const world = await createWorld({ simulation: {} });
      await world.register();
      const worker = await workUnderWay(world, 100);
      await world.set(mode, names);
      await delay(outageMs);
      await world.set('forward', names);
      await annotate(await expectGoingOn(world, worker, goesOnWithinMs));
    },
  );

  test('goes on within 30 s after three restarts of both servers', async ({ annotate }) => {
    const dataDir = await createTestFolder();
    const { databaseUrl, redisUrl, release } = await ownServers({ dataDir });
    const { appUrl } = await prepareOwnServer(databaseUrl, dataDir);
    const servers = { DATABASE_URL: appUrl, REDIS_URL: redisUrl };
    const world = await createWorld({ simulation: {}, servers });
    await world.register();
    const worker = await workUnderWay(world, 100);
    const restart = async (left: number, stop: Services['release']): Promise<void> => {
      await stop();
      const again = await ownServers({ dataDir });
      expect(again, 'the same addresses').toMatchObject({ databaseUrl, redisUrl });
      if (left > 1) await restart(left - 1, again.release);
    };
    await restart(3, release);
    await annotate(await expectGoingOn(world, worker, goesOnWithinMs));
  });

  test('waits out a vendor that is down, and uses up no job’s attempts', async ({ annotate }) => {
    const world = await createWorld({ simulation: { transactions: 300, latencyMs: 100, port: await freePort() } });
    await world.register();
    const worker = await workUnderWay(world, 100);
    await world.simulator.close();
    const downMs = performance.now();
    let attempts = 0;
    const look = async () => {
      const now = await world.counts();
      attempts = Math.max(attempts, now.attempts);
      return now;
    };
    await eventually('the outage', async () => (await look()).due > 0 && since(downMs) > vendorOutageMs);
    const again = await startSimulator(world.options);
    atEnd(again.close);
    // The longest pause of the breaker, and the way through the queue.
    const figures = await expectGoingOn(world, worker, 35_000, look);
    expect(attempts, figures).toBeLessThan(8);
    await annotate(`${attempts} attempts at most; ${figures}`);
  });

  test(`survives ${droppedReplies} writes that Postgres committed and could tell nobody of`, async ({ annotate }) => {
    const world = await createWorld({ simulation: { transactions: isFull ? 1_000 : 200, latencyMs: 0 } });
    const { simulator, proxies, counts } = world;
    proxies.postgres.drop({ count: 1, isMeant: () => true });
    const unheard = await runCli(['enqueue', '-'], world.readable, simulator.idsCsv());
    expect(unheard.stdout).not.toContain('accepted');
    expect(unheard.stderr).toContain('(database_unavailable)');
    expect(unheard.code).toBe(1);
    // Each transaction is one obligation so far. Of whole batches, the one whose reply was missed is there; those that
    // were not sent any more are new.
    const { due: stored } = await counts();
    expect(stored).toBeGreaterThan(0);
    expect(stored % 250 === 0 || stored === simulator.transactions.length).toBe(true);
    const heard = await runCli(['enqueue', '-'], world.readable, simulator.idsCsv());
    expect(heard.stdout).toContain(`${simulator.transactions.length - stored} accepted, ${stored} already known`);
    const isChosen: (statement: string) => boolean = seededChance(7, 0.4);
    // A worker that cannot register its store, or whose master it encrypts for, does not start.
    const atStart = /document_(store|masters)|erasures/;
    const isMeant = (statement: string) => !atStart.test(statement) && isChosen(statement);
    proxies.postgres.drop({ count: droppedReplies, isMeant });
    const worker = startCli(['worker'], world.readable);
    await eventually('everything to be done', async () => (await counts()).due === 0, 3 * patienceMs);
    expect(proxies.postgres.dropped()).toBe(droppedReplies + 1);
    await expectOrderlyEnd(worker);
    await expectBooks(world);
    await annotate(`${proxies.postgres.dropped()} replies dropped`);
  });

  test.for([
    { what: 'start', text: 'fence = o.fence + 1', times: maxStarts + 1 },
    // What was committed has ended the work with it: it is not done again.
    { what: 'outcome', text: 'with fetched as', times: 1 },
  ])('is not taken for dead when Postgres cannot tell it a job’s $what', async ({ text, times }) => {
    const world = await createWorld({ simulation: { transactions: 20, abandonedShare: 0, latencyMs: 0 } });
    const { simulator, proxies, counts } = world;
    const id = simulator.transactions[0]!.transactionId;
    const isMeant = (statement: string) => statement.includes(text) && statement.includes(id);
    proxies.postgres.drop({ count: times, isMeant });
    await world.register();
    const worker = startCli(['worker'], world.readable);
    await eventually('everything to be done', async () => (await counts()).due === 0);
    await expectOrderlyEnd(worker);
    await expectBooks(world);
    expect(proxies.postgres.dropped()).toBe(times);
  });

  test('writes a report whose own connection to Postgres came to nothing', async () => {
    const world = await createWorld({ simulation: { transactions: 20, latencyMs: 0 } });
    await world.register();
    const worker = startCli(['worker'], world.proxied);
    await eventually('everything to be done', async () => (await world.counts()).due === 0);
    await world.set('black-hole-new', ['postgres']);
    expect(await runCli(['report', month, '--enqueue'], world.direct)).toMatchObject({ code: 0 });
    await delay(5_000);
    await world.set('forward', ['postgres']);
    const manifest = path.join(world.direct['REPORTS_DIR'] ?? '', month, 'manifest.json');
    await eventually(
      'the report',
      () =>
        access(manifest).then(
          () => true,
          () => false,
        ),
      goesOnWithinMs,
    );
    await expectOrderlyEnd(worker);
  });
});

describe.concurrent('SIGTERM in mid-job', () => {
  async function workUntilAway(mode: ProxyMode, names: readonly ('redis' | 'postgres')[]) {
    const world = await createWorld({ simulation: { latencyMs: 2_000 }, environment: { IDSCAN_RATE_LIMIT: '1000' } });
    await world.register();
    const worker = await workUnderWay(world, 60);
    await world.set(mode, names);
    return { world, worker };
  }
  const endings = [
    { names: ['redis'], mode: 'black-hole', afterMs: 0, isShort: true },
    { names: ['redis'], mode: 'refuse', afterMs: 5_000, isShort: true },
    { names: ['redis', 'postgres'], mode: 'black-hole', afterMs: 0, isShort: true },
    { names: ['redis'], mode: 'refuse', afterMs: 0, isShort: false },
    { names: ['redis'], mode: 'black-hole', afterMs: 20_000, isShort: false },
    { names: ['postgres'], mode: 'black-hole', afterMs: 0, isShort: false },
    { names: ['redis', 'postgres'], mode: 'refuse', afterMs: 0, isShort: false },
  ] as const;

  test.for(endings.filter(({ isShort }) => isFull || isShort))(
    'ends within 30 s with $names for $afterMs ms: $mode',
    async ({ mode, afterMs, names }, { annotate }) => {
      const { world, worker } = await workUntilAway(mode, names);
      await delay(afterMs);
      await annotate(`ended in ${await expectOrderlyEnd(worker)} ms`);
      const { due, failed } = await world.counts();
      expect(failed).toEqual([]);
      expect(due).toBeGreaterThan(0);
    },
  );

  test.for(['refuse', 'black-hole'] as const)(
    'ends at once when repeated, with Redis: %s',
    async (mode, { annotate }) => {
      const { worker } = await workUntilAway(mode, ['redis']);
      let log = '';
      worker.stderr!.on('data', (bytes: Buffer) => (log += bytes.toString()));
      worker.kill('SIGTERM');
      await waitFor('the first to be heard', () => log.includes('no new job is taken'));
      expect(worker.exitCode).toBeNull();
      const askedMs = performance.now();
      worker.kill('SIGTERM');
      const [code] = (await once(worker, 'exit')) as [number | null];
      const tookMs = since(askedMs);
      expect(code).toBe(143);
      expect(tookMs).toBeLessThan(2_000);
      await annotate(`ended in ${tookMs} ms`);
    },
  );
});

test.concurrent('a Redis that may throw jobs away is refused, with the command that sets it right', async () => {
  const { redisUrl } = await ownServers({ databaseUrl: inject('appUrl') });
  const redis = new Redis(redisUrl);
  atEnd(() => redis.quit());
  const servers = { DATABASE_URL: await createTestDatabase(), REDIS_URL: redisUrl };
  const { direct } = await createWorld({ simulation: { transactions: 0 }, servers });
  await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
  const { code, stderr } = await runCli(['worker'], direct);
  expect(code, stderr).toBe(3);
  expect(stderr).toContain('(queue_misconfigured)');
  expect(stderr).toContain('maxmemory-policy is allkeys-lru');
  expect(stderr).toContain('redis-cli CONFIG SET maxmemory-policy noeviction');
  await redis.config('SET', 'maxmemory-policy', 'noeviction');
  const allowed = await runCli(['worker', '--until-idle'], direct);
  expect(allowed.code, allowed.stderr).toBe(0);
});
