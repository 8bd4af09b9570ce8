import { sql } from 'kysely';
import pg from 'pg';
import { beforeAll, describe, expect, test } from 'vitest';
import { createSealer } from '../../src/http/access/sealing.ts';
import { asOwner, atEnd, createTestDatabase } from '../support/books.ts';
import { look, signIn, signOut } from './session-support.ts';
import { problem, sha256, startService, type TestService, tokens } from './support.ts';

const key = Buffer.alloc(32, 9);
const ended = async ({ context }: TestService) => {
  const { rows } = await sql<{ id_sha256: string; expires_at: Date }>`select * from ended_sessions`.execute(
    context.db.kysely,
  );
  return rows;
};

/** Two processes of the service on one database, as behind a balancer. */
async function twoProcesses(): Promise<[TestService, TestService]> {
  const shared = { DATABASE_URL: await createTestDatabase(), HTTP_SESSION_KEY: key.toString('hex') };
  return [await startService(shared), await startService(shared)];
}

let first: TestService;
let second: TestService;
beforeAll(async () => {
  [first, second] = await twoProcesses();
});

describe('signing out', () => {
  test('ends the session in every process at once, also for whoever kept the cookie', async () => {
    const cookie = await signIn(first);
    for (const path of ['/', '/reports', '/queues', '/queues/api/queues', '/transactions', '/metrics'])
      for (const at of [first, second]) expect((await look(at, cookie, path)).status, path).toBe(200);
    expect(await signOut(first, cookie)).toMatchObject({ status: 303, headers: { location: '/sign-in' } });
    for (const path of ['/reports', '/queues', '/queues/api/queues', '/transactions', '/metrics'])
      for (const at of [second, first]) {
        expect((await look(at, cookie, path)).status, path).toBe(303);
        expect(problem(await look(at, cookie, path, '*/*'))).toMatchObject({ status: 401, code: 'unauthenticated' });
      }
    expect((await look(second, await signIn(first))).status).toBe(200);
  });

  test('ends that session alone, and again does nothing', async () => {
    const [one, other] = [await signIn(first), await signIn(first)];
    const before = (await ended(first)).length;
    for (const at of [first, second, first]) expect((await signOut(at, one)).status).toBe(303);
    expect((await signOut(first, 'idscan-ledger-session=nonsense')).status).toBe(303);
    expect(await ended(first)).toHaveLength(before + 1);
    expect((await look(second, other)).status).toBe(200);
  });

  test('holds against requests that are on their way: none that begins after it is answered', async () => {
    const cookie = await signIn(first);
    const during = Array.from({ length: 30 }, (_, index) => look(index % 2 ? first : second, cookie, '/', '*/*'));
    await signOut(first, cookie);
    const after = await Promise.all(Array.from({ length: 30 }, () => look(second, cookie, '/', '*/*')));
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([401]));
    expect((await Promise.all(during)).every(({ status }) => status === 200 || status === 401)).toBe(true);
  });

  test('keeps a hash until the cookie is too old, and no ID', async () => {
    const cookie = await signIn(first);
    await signOut(first, cookie);
    const sealed = await createSealer(key, () => new Date()).open('session', cookie.split('=')[1]!);
    const row = (await ended(first)).find(({ id_sha256 }) => id_sha256 === sha256(String(sealed?.['jti'])));
    expect(row?.expires_at.getTime()).toBeGreaterThan(sealed!.exp! * 1_000);
    expect(JSON.stringify(await ended(first))).not.toContain(sealed?.['jti']);
  });

  test('takes out what is over, a bounded number at a time', async () => {
    await sql`insert into ended_sessions select encode(sha256(n::text::bytea), 'hex'), now() - interval '1 second' * n
      from generate_series(1, 250) n`.execute(first.context.db.kysely);
    const over = async () => (await ended(first)).filter(({ expires_at }) => expires_at < new Date()).length;
    await signOut(first, await signIn(first));
    expect(await over()).toBe(50);
    await signOut(first, await signIn(first));
    expect(await over()).toBe(0);
  });
});

test('a cookie made before sessions had IDs is none', async () => {
  const sealed = await createSealer(key, () => new Date()).seal('session', { sha256: sha256(tokens.operator) }, 60);
  expect((await look(first, `idscan-ledger-session=${sealed}`, '/', '*/*')).status).toBe(401);
});

test('of an ended session nobody makes a living one: neither the application’s role nor, by mistake, the owner', async () => {
  const url = first.environment['DATABASE_URL'] ?? '';
  const clients = {
    app: new pg.Client({ connectionString: url }),
    owner: new pg.Client({ connectionString: asOwner(url) }),
  };
  for (const client of Object.values(clients)) {
    await client.connect();
    atEnd(() => client.end());
  }
  const fetchedOf = async (statement: string, as: 'app' | 'owner') => {
    try {
      await clients[as].query(`begin; ${statement}`);
      return 'accepted';
    } catch (error) {
      return (error as pg.DatabaseError).code;
    } finally {
      await clients[as].query('rollback');
    }
  };
  await signOut(first, await signIn(first));
  const insert = (when: string) => `insert into ended_sessions values (repeat('a', 64), now() ${when});`;
  const removeIt = `delete from ended_sessions where id_sha256 = repeat('a', 64)`;
  for (const as of ['app', 'owner'] as const) {
    expect(await fetchedOf(`${insert(`- interval '1 s'`)} ${removeIt}`, as), as).toBe('accepted');
    expect(await fetchedOf(`${insert(`+ interval '1 h'`)} ${removeIt}`, as), as).toBe('23001');
    expect(await fetchedOf('delete from ended_sessions', as), as).toBe('23001');
  }
  expect(await fetchedOf('update ended_sessions set expires_at = now()', 'app')).toBe('42501');
  expect(await fetchedOf('update ended_sessions set expires_at = now()', 'owner')).toBe('23001');
  expect(await fetchedOf('truncate ended_sessions', 'app')).toBe('42501');
  expect(await fetchedOf('truncate ended_sessions', 'owner')).toBe('23001');
});

test('nothing of a page is kept by the browser for its back button', async () => {
  const cookie = await signIn(first);
  for (const path of ['/', '/reports', '/transactions', '/queues', '/sign-in'])
    expect((await look(first, cookie, path)).headers['cache-control'], path).toBe('no-store');
});
