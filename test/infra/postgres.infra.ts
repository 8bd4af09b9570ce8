import { expect } from 'vitest';
import { startRedis } from '../support/redis-servers.ts';
import { campaign, furtherTest, test } from './campaign.ts';
import { createAuthority } from './certificates.ts';
import { addresses, createOwner, postgresNode, type PostgresNode } from './postgres.ts';
import { startPostgres } from './postgres-plain.ts';
import { freePorts } from './processes.ts';
import { singleRedis } from './redis.ts';
import { createWork, startBatch } from './redis-support.ts';
import { booksOf, createWorld, onePostgres } from './world.ts';

const name = 'Postgres 15, TLS, two roles';

async function redisUrl(): Promise<string> {
  const [port = 0] = await freePorts(1);
  return (await singleRedis('redis', port)).url;
}

furtherTest('a server that crashes and is started again', async () => {
  const books = await onePostgres();
  const world = await createWorld({ REDIS_URL: await redisUrl(), DATABASE_URL: books.app, owner: books.owner }, books);
  await campaign(name, 'crashed and started again', world, () => ({
    begin: () => books.node.end('SIGQUIT'),
    end: books.node.start,
  }));
});

furtherTest('a server that stays away ends a batch run after two minutes', async () => {
  const postgres = await startPostgres();
  const work = await createWork((await startRedis()).url);
  const environment = { ...work.environment, DATABASE_URL: postgres.url };
  await work.enqueue(60, environment);
  const run = await startBatch(environment);
  await postgres.kill();
  const { code, stderr } = await run.result;
  expect(stderr).toContain('"code":"database_unavailable"');
  expect(code, stderr).toBe(1);
});

test('a standby is promoted under load, and the old primary comes back as its standby', async () => {
  const ports = await freePorts(2);
  const authority = await createAuthority();
  let [primary, standby] = [await postgresNode(ports[0]!, authority), await postgresNode(ports[1]!, authority)] as [
    PostgresNode,
    PostgresNode,
  ];
  await primary.start();
  await createOwner(primary);
  const pair = async () => {
    await standby.follow(primary);
    await standby.start();
    // What is committed is on both, or a failover would lose it.
    await primary.waitForStandby(true);
  };
  await pair();
  const { app, owner } = addresses(ports, authority, '&target_session_attrs=read-write');
  const world = await createWorld(
    { REDIS_URL: await redisUrl(), DATABASE_URL: app, owner },
    booksOf(() => primary),
  );
  await campaign(name, 'standby promoted', world, (index) => ({
    begin: async () => {
      await primary.end(index % 2 === 0 ? 'SIGQUIT' : 'SIGINT');
      [primary, standby] = [standby, primary];
    },
    end: () => primary.promote(),
    heal: pair,
  }));
});
