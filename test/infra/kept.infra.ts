import { campaign, test } from './campaign.ts';
import { freePorts } from './processes.ts';
import { isInSync, redisNode, redisPassword, takesWrites } from './redis.ts';
import { startVip } from './vip.ts';
import { createWorld, onePostgres } from './world.ts';

test('the master is demoted behind an address that moves, and open connections stay with it', async () => {
  const [first = 0, second = 0] = await freePorts(2);
  let master = await redisNode({ port: first });
  let replica = await redisNode({ port: second, settings: [`replicaof 127.0.0.1 ${first}`] });
  await master.start();
  await replica.start();
  await isInSync(replica);
  const vip = await startVip(first);
  const books = await onePostgres();
  const REDIS_URL = `redis://:${redisPassword}@127.0.0.1:${vip.port}/0`;
  const world = await createWorld({ REDIS_URL, DATABASE_URL: books.app, owner: books.owner }, books);
  await campaign('Redis behind an address that moves', 'master demoted, connections kept', world, () => ({
    begin: async () => {
      await replica.ask('REPLICAOF', 'NO', 'ONE');
      await master.ask('REPLICAOF', '127.0.0.1', replica.port);
    },
    end: async () => {
      [master, replica] = [replica, master];
      vip.moveTo(master.port);
      await takesWrites(master);
    },
    heal: () => isInSync(replica),
  }));
});
