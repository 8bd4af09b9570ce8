import { campaign, test, workersOf } from './campaign.ts';
import { freePorts } from './processes.ts';
import { limitFiles, singleRedis } from './redis.ts';
import { createWorld, onePostgres } from './world.ts';

test('the disk of the documents is full', async () => {
  const [port = 0] = await freePorts(1);
  const { url: REDIS_URL } = await singleRedis('redis', port);
  const books = await onePostgres();
  const world = await createWorld({ REDIS_URL, DATABASE_URL: books.app, owner: books.owner }, books);
  const workers = workersOf(world);
  const limit = async (bytes: string) => {
    for (const { child } of workers) await limitFiles(child.pid ?? 0, bytes);
  };
  await campaign('Documents', 'disk full', world, () => ({
    // What is fetched is larger than that.
    begin: () => limit('100'),
    end: () => limit('unlimited'),
  }));
});
