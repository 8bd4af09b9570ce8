import { campaign, furtherTest, test } from './campaign.ts';
import { startPgBouncer } from './pgbouncer.ts';
import { addresses, passwords } from './postgres.ts';
import { freePorts } from './processes.ts';
import { singleRedis } from './redis.ts';
import { createWorld, onePostgres } from './world.ts';

const name = 'PgBouncer, session mode';

async function setUp() {
  const [port = 0] = await freePorts(1);
  const { url: REDIS_URL } = await singleRedis('redis', port);
  const books = await onePostgres();
  const pooler = await startPgBouncer(books.node.port, books.authority, passwords);
  const { app, owner } = addresses([pooler.port], books.authority);
  return { pooler, world: await createWorld({ REDIS_URL, DATABASE_URL: app, owner }, books) };
}

test('a pooler that is killed and started again', async () => {
  const { pooler, world } = await setUp();
  await campaign(name, 'killed and started again', world, () => ({ begin: pooler.kill, end: pooler.start }));
});

furtherTest('a pooler that holds everybody up, and ends connections', async () => {
  const { pooler, world } = await setUp();
  await campaign(name, 'connections ended and held up', world, () => ({
    begin: () => pooler.command('kill idscan'),
    end: () => pooler.command('resume idscan'),
  }));
});
