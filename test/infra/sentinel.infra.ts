import { campaign, furtherTest, test } from './campaign.ts';
import type { RedisNode } from './redis.ts';
import { startSentinels } from './sentinel.ts';
import { createWorld, onePostgres } from './world.ts';

const name = 'Redis Sentinel';

async function setUp() {
  const sentinels = await startSentinels();
  const books = await onePostgres();
  const world = await createWorld({ REDIS_URL: sentinels.url, DATABASE_URL: books.app, owner: books.owner }, books);
  return { sentinels, world };
}

furtherTest('a failover that an operator asks for', async () => {
  const { sentinels, world } = await setUp();
  let old: RedisNode;
  await campaign(name, 'failover asked for', world, () => ({
    isMomentary: true,
    begin: async () => {
      old = await sentinels.master();
      await sentinels.failOver();
    },
    end: () => sentinels.replaced(old),
    heal: sentinels.settled,
  }));
});

test('a master that dies', async () => {
  const { sentinels, world } = await setUp();
  let old: RedisNode;
  await campaign(name, 'master killed', world, () => ({
    isMomentary: true,
    begin: async () => {
      old = await sentinels.master();
      await old.kill();
    },
    end: () => sentinels.replaced(old),
    heal: async () => {
      await old.start();
      await sentinels.settled();
    },
  }));
});
