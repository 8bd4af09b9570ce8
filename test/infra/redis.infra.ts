import { describe } from 'vitest';
import { campaign, furtherTest, test } from './campaign.ts';
import { freePorts } from './processes.ts';
import { type Flavour, isLoaded, redisPassword, singleRedis, takesWrites } from './redis.ts';
import { createWorld, onePostgres } from './world.ts';

const flavours = [
  { flavour: 'redis', name: 'Redis 7.0' },
  { flavour: 'valkey', name: 'Valkey 8.0' },
] as const;

async function setUp(flavour: Flavour) {
  const [port = 0, tlsPort = 0] = await freePorts(2);
  const books = await onePostgres();
  const { root, certificate, key } = books.authority;
  const { node, url } = await singleRedis(flavour, port, [
    `tls-port ${tlsPort}`,
    `tls-cert-file ${certificate}`,
    `tls-key-file ${key}`,
    `tls-ca-cert-file ${root}`,
    'tls-auth-clients no',
  ]);
  const start = (REDIS_URL = url) => createWorld({ REDIS_URL, DATABASE_URL: books.app, owner: books.owner }, books);
  return { node, start, secureUrl: `rediss://:${redisPassword}@127.0.0.1:${tlsPort}/0?sslrootcert=${root}` };
}

describe.each(flavours)('$name', ({ flavour, name }) => {
  test('over TLS, is killed and started again', async () => {
    const { node, start, secureUrl } = await setUp(flavour);
    const world = await start(secureUrl);
    await campaign(name, 'TLS; killed and started again', world, () => ({
      begin: node.kill,
      end: async () => {
        await node.start();
        await takesWrites(node);
      },
    }));
  });

  furtherTest('answers LOADING for a while after a restart', async () => {
    const { node, start } = await setUp(flavour);
    // What others keep on the same server, so that reading it takes seconds.
    for (let part = 0; part < 30; part += 1) await node.ask('DEBUG', 'POPULATE', 100_000, `other-${part}`, 64);
    await node.ask('BGREWRITEAOF');
    await isLoaded(node);
    const world = await start();
    await campaign(name, 'LOADING after a restart', world, () => ({
      begin: async () => {
        await node.kill();
        await node.start();
      },
      end: () => takesWrites(node),
    }));
  });

  furtherTest('has its memory full', async () => {
    const { node, start } = await setUp(flavour);
    const world = await start();
    await campaign(name, 'memory full', world, () => ({
      begin: () => node.ask('CONFIG', 'SET', 'maxmemory', '1mb'),
      end: async () => {
        await node.ask('CONFIG', 'SET', 'maxmemory', '0');
        await takesWrites(node);
      },
    }));
  });

  furtherTest('cannot write to its full disk', async () => {
    const { node, start } = await setUp(flavour);
    const world = await start();
    await campaign(name, 'disk full', world, () => ({
      begin: () => node.limitFiles('4096'),
      end: async () => {
        await node.limitFiles('unlimited');
        await takesWrites(node);
      },
    }));
  });

  furtherTest('has its ACL changed under way', async () => {
    const { node, start } = await setUp(flavour);
    const rights = ['~{idscan-ledger}*', '&*', '+@all', '-@admin', '-@dangerous', '+info', '+client'];
    const set = (...rules: string[]) => node.ask('ACL', 'SETUSER', 'app', ...rules);
    await set('on', '>a-password-of-the-app', ...rights);
    const world = await start(`redis://app:a-password-of-the-app@127.0.0.1:${node.port}/0`);
    const changes = [['resetkeys', '~others*'], ['-@all'], ['off'], ['-eval', '-evalsha']];
    await campaign(name, 'ACL changed', world, (index) => ({
      begin: () => set(...(changes[index % changes.length] ?? [])),
      end: () => set('on', 'resetkeys', ...rights),
    }));
  });
});
