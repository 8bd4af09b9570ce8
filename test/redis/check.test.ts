import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkRedis } from '../../src/redis/check.ts';
import { commands, tryWork } from '../../src/redis/commands.ts';
import { openRedis } from '../../src/redis/connect.ts';
import { LedgerError } from '../../src/errors.ts';
import { type RedisServer, startRedis } from '../support/redis-servers.ts';

/** The names of the commands that must be allowed, those outside scripts included. */
const neededCommands = ['EVAL', 'EVALSHA', 'INFO', 'BZPOPMIN', ...commands.map((command) => command.split(' ')[0]!)];

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis(['--databases', '4']);
});

/** What is found, or the code and message of the refusal. */
async function found(url: string): Promise<string> {
  const redis = openRedis(url, 'worker', () => undefined);
  try {
    return await checkRedis(redis, '{check}');
  } catch (error) {
    if (error instanceof LedgerError) return `${error.code}: ${error.message}`;
    throw error;
  } finally {
    redis.disconnect();
  }
}

const as = (user: string): string => `redis://${user}:pw@127.0.0.1:${server.port}/0`;

describe('a Redis that work is to begin on', () => {
  it('is told of in a line when it is well', async () => {
    expect(await found(`redis://127.0.0.1:${server.port}/3`)).toMatch(
      /^(Redis|Valkey) \d+\.\d+\.\d+, master, noeviction, database 3$/,
    );
    expect(await server.admin.keys('*')).toEqual([]);
  });

  it('is well for many that start at once, and beside those that look whether they can work', async () => {
    const url = `redis://127.0.0.1:${server.port}/3`;
    const redis = openRedis(url, 'worker', () => undefined);
    const over = new AbortController();
    const looking = (async () => {
      while (!over.signal.aborted) await tryWork(redis, '{check}');
    })();
    try {
      for (let round = 0; round < 5; round += 1)
        for (const line of await Promise.all(Array.from({ length: 8 }, () => found(url))))
          expect(line).toContain('noeviction');
    } finally {
      over.abort();
      await looking;
      redis.disconnect();
    }
  });

  it('is refused when it has no database of that number', async () => {
    expect(await found(`redis://127.0.0.1:${server.port}/4`)).toBe(
      'queue_misconfigured: Redis refuses commands: it has no database of that number.',
    );
  });

  it('is refused when it refuses the password', async () => {
    expect(await found(as('nobody'))).toBe(
      'queue_misconfigured: Redis refuses commands: it refuses our user or password.',
    );
  });

  it('is refused when it asks for a password', async () => {
    await server.admin.acl('SETUSER', 'default', '>pw');
    try {
      const secured = await found(server.url);
      expect(secured).toBe('queue_misconfigured: Redis refuses commands: it asks for a password.');
    } finally {
      await server.admin.acl('SETUSER', 'default', 'nopass');
    }
  });

  it.each([
    ['~* +@all -info', 'its ACL does not let us run INFO'],
    ['~* +@all -eval', 'its ACL does not let us run EVAL'],
    ['~* +@all -evalsha', 'its ACL does not let us run EVALSHA'],
    ['~* +@all -zadd -xadd', 'its ACL does not let us run ZADD, XADD'],
    ['~* +@all -bzpopmin', 'its ACL does not let us run BZPOPMIN'],
    ['~* +info +eval +evalsha', / and \d+ more commands$/],
    ['~other:* +@all', 'its ACL does not let us use our keys'],
  ])('is refused with what a user lacks: %s', async (rights, reason) => {
    const user = `user${Math.random().toString(36).slice(2)}`;
    await server.admin.acl('SETUSER', user, 'on', '>pw', ...rights.split(' '));
    const [, said = ''] = /^queue_misconfigured: Redis refuses commands: (.*)\.$/.exec(await found(as(user))) ?? [];
    if (typeof reason === 'string') expect(said).toBe(reason);
    else expect(said).toMatch(reason);
  });

  it('is enough with the rights that are listed', async () => {
    const rights = neededCommands.map((name) => `+${name.toLowerCase()}`);
    await server.admin.acl('SETUSER', 'listed', 'on', '>pw', '~{check}:*', ...rights);
    expect(await found(as('listed'))).toMatch(/, master, noeviction, database 0$/);
  });

  it('is enough with the ACL that the documents give', async () => {
    const text = await readFile(path.join(import.meta.dirname, '../../docs/deployment.md'), 'utf8');
    const [, rights = ''] = /`user idscan-ledger on >… ([^`]+)`/.exec(text) ?? [];
    await server.admin.acl(
      'SETUSER',
      'documented',
      'on',
      '>pw',
      ...rights.replace('idscan-ledger', 'check').split(' '),
    );
    expect(await found(as('documented'))).toMatch(/, master, noeviction, database 0$/);
  });

  it('is refused when it is a replica', async () => {
    const replica = await startRedis(['--replicaof', `127.0.0.1 ${server.port}`]);
    expect(await found(replica.url)).toBe('queue_misconfigured: Redis refuses commands: it is a read-only replica.');
  });

  it('is refused when its memory is full', async () => {
    const full = await startRedis(['--maxmemory', '100kb']);
    expect(await found(full.url)).toBe('queue_misconfigured: Redis refuses commands: its memory is full.');
  });

  it('is refused when it drops keys', async () => {
    const dropping = await startRedis(['--maxmemory-policy', 'allkeys-lru']);
    expect(await found(dropping.url)).toContain("queue_misconfigured: Redis' maxmemory-policy is allkeys-lru");
  });

  it('is refused when it is a node of a cluster without our slot', async () => {
    const node = await startRedis(['--cluster-enabled', 'yes']);
    expect(await found(node.url)).toMatch(/^queue_misconfigured: .*(Redis Cluster)/);
  });

  it('is refused when it is no cluster', async () => {
    expect(await found(`redis+cluster://127.0.0.1:${server.port}/`)).toBe(
      'queue_misconfigured: Redis refuses commands: it is not a Redis Cluster.',
    );
  });
});

it('every command of the scripts that BullMQ runs for us is tried', async () => {
  const folder = path.join(import.meta.dirname, '../../node_modules/bullmq/dist/esm/scripts');
  const ours =
    /^(addStandardJob|addDelayedJob|moveToActive|moveToFinished|retryJob|moveToDelayed|moveStalledJobsToWait|extendLocks?|getCounts|getRateLimitTtl|moveJobFromActiveToWait|releaseLock|saveStacktrace)-\d+\.js$/;
  const files = (await readdir(folder)).filter((name) => ours.test(name));
  expect(files).toHaveLength(14);
  const used = new Set<string>();
  for (const file of files) {
    const text = await readFile(path.join(folder, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/(?:rcall|redis\.p?call)\(\s*["'](\w+)/g)) used.add(name.toUpperCase());
  }
  expect([...used].filter((name) => !neededCommands.includes(name))).toEqual([]);
});
