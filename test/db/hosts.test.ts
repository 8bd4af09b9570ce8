import { once } from 'node:events';
import net from 'node:net';
import { sql } from 'kysely';
import { describe, expect, inject, test } from 'vitest';
import { checkDatabase } from '../../src/db/check.ts';
import { asDatabaseError, type Database, openDatabase } from '../../src/db/database.ts';
import { checkPooling } from '../../src/db/pooling.ts';
import { withSnapshot } from '../../src/db/snapshot.ts';
import { acquireServices } from '../../src/embedded/index.ts';
import { atEnd, createTestFolder, waitFor } from '../support/books.ts';

const withTarget = (url: string, target: string): string => {
  const changed = new URL(url);
  changed.searchParams.set('target_session_attrs', target);
  return changed.toString();
};

/** A Postgres of this test alone, which can be made read-only while connections to it are kept. */
async function ownPostgres() {
  const { databaseUrl, release } = await acquireServices({
    dataDir: await createTestFolder(),
    redisUrl: inject('redisUrl'),
  });
  atEnd(release);
  const admin = openDatabase(withTarget(databaseUrl, 'any'), { maxConnections: 1 });
  atEnd(admin.close);
  const makeReadOnly = async (isWanted: boolean) => {
    await sql.raw(`alter system set default_transaction_read_only = ${isWanted ? 'on' : 'off'}`).execute(admin.kysely);
    await sql`select pg_reload_conf()`.execute(admin.kysely);
  };
  /** Servers of one cluster have the same users. */
  const admit = ({ url }: { readonly url: string }) =>
    sql.raw(`alter role current_user password '${new URL(url).password}'`).execute(admin.kysely);
  return { url: databaseUrl, port: new URL(databaseUrl).port, makeReadOnly, admit };
}

/** Accepts connections and never says a word. */
async function silentServer(): Promise<string> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer((socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return `127.0.0.1:${(server.address() as net.AddressInfo).port}`;
}

/** The same user and database on several servers. */
const on = (url: string, hosts: readonly string[]): string => url.replace(/@[^/]*\//, `@${hosts.join(',')}/`);

function opened(url: string): Database {
  const db = openDatabase(url, { connectTimeoutMs: 1_000 });
  atEnd(db.close);
  return db;
}

const portOf = async (db: Database): Promise<string> => {
  const { rows } = await sql<{ port: string }>`select current_setting('port') as port`.execute(db.kysely);
  return rows[0]!.port;
};
const portOfSnapshot = (db: Database): Promise<string> =>
  withSnapshot(db, async ({ queries }) => {
    const { rows } = await sql<{ port: string }>`select current_setting('port') as port`.execute(queries);
    return rows[0]!.port;
  });
const write = (db: Database) => sql`create temp table if not exists written (id int)`.execute(db.kysely);
const really = (db: Database) => sql`comment on database idscan_ledger is 'written'`.execute(db.kysely);

describe('of several servers', () => {
  test('dead and silent ones are passed over, for the pool and for connections beside it', async () => {
    const { url, port } = await ownPostgres();
    const db = opened(on(url, ['127.0.0.1:1', await silentServer(), `127.0.0.1:${port}`]));
    expect(await portOf(db)).toBe(port);
    expect(await portOfSnapshot(db)).toBe(port);
    await checkDatabase(db, Date.now);
  });

  test('one that becomes read-only is left at the first write, with all connections to it', async () => {
    const first = await ownPostgres();
    const second = await ownPostgres();
    await second.admit(first);
    const db = opened(on(first.url, [`127.0.0.1:${first.port}`, `127.0.0.1:${second.port}`]));
    await Promise.all(Array.from({ length: 5 }, () => sql`select pg_sleep(0.05)`.execute(db.kysely)));
    await really(db);
    await first.makeReadOnly(true);
    // Its connections learn of it a moment later.
    const thrown = await waitFor('a write that is refused', () =>
      really(db).then(
        () => undefined,
        (error: unknown) => asDatabaseError(error),
      ),
    );
    expect(thrown).toMatchObject({ code: 'database_unavailable' });
    // Not one of the kept connections is handed out again.
    for (let time = 0; time < 6; time += 1) expect(await portOf(db)).toBe(second.port);
    await really(db);
    expect(await portOfSnapshot(db)).toBe(second.port);
  });

  test('none that takes writes is said with the reason for each', async () => {
    const { url, port, makeReadOnly } = await ownPostgres();
    await makeReadOnly(true);
    const db = opened(on(url, [`127.0.0.1:${port}`, 'localhost:1']));
    await expect(write(db)).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringMatching(/127\.0\.0\.1:\d+ is read-only, localhost:1 does not answer/) as string,
    });
    // One may still be promoted, so that is no fault of the configuration.
    await expect(checkDatabase(db, Date.now)).rejects.toMatchObject({ code: 'database_unavailable' });
  });

  test('none that can be used is asked again for each statement', async () => {
    let asked = 0;
    const refusing = net.createServer((socket) => {
      asked += 1;
      socket.destroy();
    });
    refusing.listen(0, '127.0.0.1');
    await once(refusing, 'listening');
    atEnd(() => new Promise((done) => refusing.close(done)));
    const { port } = refusing.address() as net.AddressInfo;
    const db = opened(`postgres://somebody@127.0.0.1:${port},127.0.0.1:1/books`);
    await expect(write(db)).rejects.toMatchObject({ code: 'database_unavailable' });
    const before = asked;
    const all = await Promise.allSettled(Array.from({ length: 100 }, () => write(db)));
    expect(all.filter(({ status }) => status === 'rejected')).toHaveLength(100);
    expect(asked).toBe(before);
  });

  test('a password that one refuses is not tried on the others', async () => {
    const { url, port } = await ownPostgres();
    const hosts = [`127.0.0.1:${port}`, '127.0.0.1:1'];
    const db = opened(on(url, hosts).replace(/:\/\/[^:]+:[^@]+@/, '://nobody:wrong@'));
    await expect(write(db)).rejects.toMatchObject({ code: expect.stringMatching(/^28/) as string });
  });
});

describe('a single server', () => {
  test('that takes no writes is refused at the start, and is away at run time', async () => {
    const { url, makeReadOnly } = await ownPostgres();
    await makeReadOnly(true);
    const db = opened(url);
    await expect(checkDatabase(db, Date.now)).rejects.toMatchObject({ code: 'database_misconfigured' });
    await expect(write(db)).rejects.toMatchObject({ code: 'database_unavailable' });
    const any = opened(withTarget(url, 'any'));
    await expect(checkDatabase(any, Date.now)).rejects.toMatchObject({ code: 'database_misconfigured' });
    await makeReadOnly(false);
    await checkDatabase(db, Date.now);
    await write(db);
  });

  test('that says nothing is given up in time, also by connections beside the pool', async () => {
    const db = opened(`postgres://somebody@${await silentServer()}/books`);
    await expect(portOfSnapshot(db)).rejects.toMatchObject({ code: 'database_unavailable' });
    await expect(checkDatabase(db, Date.now)).rejects.toMatchObject({ code: 'database_unavailable' });
  });

  test('that answers itself is no pooler, which costs no connection to find out', async () => {
    const db = opened(inject('appUrl'));
    await checkDatabase(db, Date.now);
    expect(await checkPooling(db)).toBe('direct connections');
    const probed = await checkPooling({ ...db, isDirect: () => false });
    expect(probed, 'the probe itself never takes a session for shared').toBe('a pooler in session mode');
  });

  test('that this process has let go of is away for whatever comes after it, and no fault', async () => {
    const db = opened(inject('appUrl'));
    await checkDatabase(db, Date.now);
    await db.close();
    const failure = await sql`select 1`.execute(db.kysely).catch((error: unknown) => asDatabaseError(error));
    expect(failure).toMatchObject({ code: 'database_unavailable' });
  });
});
