import { describe, expect } from 'vitest';
import { campaign, furtherTest, test } from './campaign.ts';
import { freePorts } from './processes.ts';
import { type Flavour, isLoaded, redisPassword, singleRedis, takesWrites } from './redis.ts';
import { createWorld, onePostgres } from './world.ts';

const flavours = [
  { flavour: 'redis', name: 'Redis 7.0' },
  { flavour: 'valkey', name: 'Valkey 8.0' },
] as const;

async function setUp(flavour: Flavour, settings: readonly string[] = []) {
  const [port = 0, tlsPort = 0] = await freePorts(2);
  const books = await onePostgres();
  const { root, certificate, key } = books.authority;
  const { node, url } = await singleRedis(flavour, port, [
    `tls-port ${tlsPort}`,
    `tls-cert-file ${certificate}`,
    `tls-key-file ${key}`,
    `tls-ca-cert-file ${root}`,
    'tls-auth-clients no',
    ...settings,
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
    // It pauses at every key that it reads, for as long as the test wants, and answers meanwhile.
    const { node, start } = await setUp(flavour, ['key-load-delay 5000', 'loading-process-events-interval-bytes 1024']);
    // What others keep on the same server.
    await node.ask('DEBUG', 'POPULATE', 100_000, 'other', 64);
    await node.ask('BGREWRITEAOF');
    await isLoaded(node);
    const world = await start();
    await campaign(name, 'LOADING after a restart', world, () => ({
      begin: async () => {
        await node.kill();
        await node.start();
        expect(await node.info('loading')).toBe('1');
      },
      end: async () => {
        expect(await node.info('loading')).toBe('1');
        await node.ask('CONFIG', 'SET', 'key-load-delay', '0');
        await takesWrites(node);
      },
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
