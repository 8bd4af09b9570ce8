import { expect, it } from 'vitest';
import { openRedis } from '../../src/redis/connect.ts';
import { createRedisHealth } from '../../src/redis/health.ts';
import { createRateLimiter } from '../../src/workers/rate-limit.ts';
import { waitFor } from '../support/books.ts';
import { startRedis } from '../support/redis-servers.ts';

it('a master is usable until it is demoted, and is again when it is promoted, on the same connection', async () => {
  const server = await startRedis();
  const redis = openRedis(server.url, 'producer', () => undefined);
  const health = createRedisHealth(redis, '{health}');
  expect(await health.isUsable()).toBe(true);
  expect(health.trouble()).toBeUndefined();
  await server.admin.replicaof('127.0.0.1', '1');
  await waitFor('the demotion to be noticed', async () => !(await health.isUsable()));
  await waitFor('the reason', async () => {
    await health.isUsable();
    return health.trouble()?.message === 'Redis refuses commands: it is a read-only replica.';
  });
  await server.admin.replicaof('NO', 'ONE');
  await waitFor('the promotion to be noticed', () => health.isUsable());
  redis.disconnect();
});

it.each(['bzpopmin', 'evalsha', 'zadd'])('one whose ACL loses %s is not usable until it has it again', async (name) => {
  const server = await startRedis();
  await server.admin.acl('SETUSER', 'worker', 'on', '>pw', '~*', '+@all');
  const redis = openRedis(server.url.replace('//', '//worker:pw@'), 'producer', () => undefined);
  const health = createRedisHealth(redis, '{health}');
  expect(await health.isUsable()).toBe(true);
  await server.admin.acl('SETUSER', 'worker', `-${name}`);
  await waitFor('the loss to be noticed', async () => !(await health.isUsable()));
  expect(health.trouble()?.message).toBe(`Redis refuses commands: its ACL does not let us run ${name.toUpperCase()}.`);
  await server.admin.acl('SETUSER', 'worker', `+${name}`);
  await waitFor('its return to be noticed', () => health.isUsable());
  expect(await server.admin.keys('*')).toEqual([]);
  redis.disconnect();
});

it('Redis is asked no more than once a second, however many ask', async () => {
  const server = await startRedis();
  const redis = openRedis(server.url, 'producer', () => undefined);
  const health = createRedisHealth(redis, '{health}');
  await health.isUsable();
  const commands = async () => Number(/cmdstat_eval:calls=(\d+)/.exec(await server.admin.info('commandstats'))?.[1]);
  const before = await commands();
  const answers = await Promise.all(Array.from({ length: 50 }, () => health.isUsable()));
  expect(answers.every(Boolean)).toBe(true);
  expect((await commands()) - before).toBeLessThanOrEqual(1);
  redis.disconnect();
});

it('no request goes unlimited while Redis refuses, and none waits for ever', async () => {
  const server = await startRedis();
  const redis = openRedis(server.url, 'worker', () => undefined);
  const { beforeRequest } = createRateLimiter(redis, '{limit}', 100);
  const answered = await beforeRequest();
  answered();
  await server.admin.replicaof('127.0.0.1', '1');
  const refused = await Promise.allSettled(Array.from({ length: 20 }, () => beforeRequest()));
  for (const one of refused) expect(one).toMatchObject({ status: 'rejected', reason: { code: 'queue_unavailable' } });
  await server.admin.replicaof('NO', 'ONE');
  await waitFor('requests to be let through again', () =>
    beforeRequest().then(
      () => true,
      () => false,
    ),
  );
  redis.disconnect();
});
