import { campaign, furtherTest, test } from './campaign.ts';
import { startCluster } from './cluster.ts';
import type { RedisNode } from './redis.ts';
import { createWorld, onePostgres } from './world.ts';

const name = 'Redis Cluster';

async function setUp() {
  const cluster = await startCluster();
  const books = await onePostgres();
  const world = await createWorld({ REDIS_URL: cluster.url, DATABASE_URL: books.app, owner: books.owner }, books);
  return { cluster, world };
}

furtherTest('its slot moves to another node while its keys are in use', async () => {
  const { cluster, world } = await setUp();
  await campaign(name, 'slot moved', world, () => ({
    isMomentary: true,
    begin: cluster.reshard,
    end: async () => (await cluster.owner()).node.ask('PING'),
    heal: cluster.settled,
  }));
});

test('the node with its slot dies, and a replica takes over', async () => {
  const { cluster, world } = await setUp();
  let dead: RedisNode;
  await campaign(name, 'node killed', world, () => ({
    isMomentary: true,
    begin: async () => {
      dead = (await cluster.owner()).node;
      await dead.kill();
    },
    end: () => cluster.replaced(dead),
    heal: async () => {
      await dead.start();
      await cluster.settled();
    },
  }));
});
