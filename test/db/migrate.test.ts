import { sql } from 'kysely';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { ensureMigrated, migrateDown, migrateUp, migrationStatus } from '../../src/db/migrate.ts';
import { asDatabaseError, openDatabase } from '../../src/db/database.ts';
import { databaseReadiness } from '../../src/db/readiness.ts';
import { asOwner, atEnd, createEmptyDatabase, createTestDatabase, openTestDatabase } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { appRole, asRole, withRole } from '../support/roles.ts';

async function schemaOf(db: Awaited<ReturnType<typeof openTestDatabase>>): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`
    select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') as line
    from information_schema.columns where table_schema = 'public' and table_name not like 'kysely%'
    union all select 'constraint ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) from pg_constraint
      where connamespace = 'public'::regnamespace and conrelid::regclass::text not like 'kysely%'
    union all select indexdef from pg_indexes where schemaname = 'public' and tablename not like 'kysely%'
    union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
    union all select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
    order by 1`.execute(db.kysely);
  return rows.map(({ line }) => line);
}

test('empty → up → down → up gives the same schema, and down leaves nothing', async () => {
  const db = await openTestDatabase(await createEmptyDatabase());
  expect(await schemaOf(db)).toEqual([]);
  const applied = await migrateUp(db);
  const after = await schemaOf(db);
  expect(after.length).toBeGreaterThan(60);
  for (const name of applied.toReversed()) expect(await migrateDown(db)).toEqual([name]);
  expect(await schemaOf(db)).toEqual([]);
  await migrateUp(db);
  expect(await schemaOf(db)).toEqual(after);
});

test('no index asks for summaries while rows come in: Postgres would write a line into its log for most of them', async () => {
  const db = await openTestDatabase(await createTestDatabase());
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where 'autosummarize=on' = any (reloptions)`.execute(db.kysely);
  expect(rows).toEqual([]);
});

test('taking back what keeps encrypted or erased documents is refused in words, and changes nothing', async () => {
  const owner = await openTestDatabase(asOwner(await createTestDatabase()));
  await owner.kysely
    .insertInto('erasures')
    .values({ transaction_id: 't-1', requested_by: 'anna', reason: 'asked for', destroy_at: new Date() })
    .execute();
  const downTo = async (): Promise<void> => {
    for (;;) await migrateDown(owner);
  };
  await expect(downTo()).rejects.toMatchObject({
    code: 'blocked',
    message: expect.stringContaining('documents are encrypted, or erased') as string,
  });
  expect(await owner.kysely.selectFrom('erasures').select('transaction_id').execute()).toHaveLength(1);
});

test('taking back what says who read or holds documents is refused in words, too', async () => {
  const owner = await openTestDatabase(asOwner(await createTestDatabase()));
  await owner.kysely.insertInto('holds').values({ transaction_id: 't-1', placed_by: 'anna', reason: 'case' }).execute();
  const downTo = async (): Promise<void> => {
    for (;;) await migrateDown(owner);
  };
  await expect(downTo()).rejects.toMatchObject({
    code: 'blocked',
    message: expect.stringContaining('documents are held, or were read') as string,
  });
  expect(await owner.kysely.selectFrom('holds').select('transaction_id').execute()).toHaveLength(1);
});

test('ten processes that migrate at once: each migration runs once, nobody fails', async () => {
  const url = await createEmptyDatabase();
  const databases = Array.from({ length: 10 }, () => openDatabase(url, { maxConnections: 2 }));
  const applied = await Promise.all(databases.map((db) => migrateUp(db)));
  const names = (await migrationStatus(databases[0]!)).map(({ name }) => name);
  expect(applied.flat().sort()).toEqual(names);
  await Promise.all(databases.map((db) => db.close()));
});

test('another migration that does not end is waited for in vain: who it is, what to do, and nothing changed', async () => {
  const url = await createTestDatabase();
  const owner = await openTestDatabase(asOwner(url));
  const [last] = await migrateDown(owner);
  const other = new pg.Client({ connectionString: asOwner(url), application_name: 'somebody else' });
  await other.connect();
  atEnd(() => other.end());
  const { rows } = await other.query<{ pid: number }>(
    'select pg_advisory_lock(3853314791062309107), pg_backend_pid() as pid',
  );
  const before = await migrationStatus(owner);
  for (const touch of [migrateUp, migrateDown])
    await expect(touch(owner, { waitMs: 200 })).rejects.toMatchObject({
      code: 'database_unavailable',
      message: expect.stringMatching(new RegExp(`migration.*${rows[0]!.pid} .*somebody else`)) as string,
      hint: expect.stringContaining(`pg_terminate_backend(${rows[0]!.pid})`) as string,
    });
  expect(await migrationStatus(owner)).toEqual(before);
  await other.query('select pg_advisory_unlock(3853314791062309107)');
  expect(await migrateUp(owner, { waitMs: 200 })).toEqual([last]);
  // Nor does the lock stay with a connection of the pool.
  expect(
    await asRole(
      asOwner(url),
      `select from pg_locks where locktype = 'advisory' and granted and database =
    (select oid from pg_database where datname = current_database())`,
    ),
  ).toEqual([]);
});

test('an empty database is made ready without asking; an older one is left to the operator', async () => {
  const db = await openTestDatabase(await createEmptyDatabase());
  await ensureMigrated(db);
  expect((await migrationStatus(db)).every(({ appliedAt }) => appliedAt !== null)).toBe(true);
  await ensureMigrated(db);
});

describe('a database of another version or program', () => {
  const future = '29991231000000_of_a_newer_version';
  const newer = async (): Promise<string> => {
    const url = await createTestDatabase();
    await asRole(
      asOwner(url),
      `insert into kysely_migration (name, timestamp) values ('${future}', '2999-12-31T00:00:00Z')`,
    );
    return url;
  };

  test('a newer one is refused by whatever works on it, with what it has; its status can be read', async () => {
    const url = await newer();
    const environment = await createCliEnvironment({ DATABASE_URL: url });
    const message = expect.stringContaining(future) as string;
    const owner = await openTestDatabase(asOwner(url));
    for (const touch of [ensureMigrated, migrateUp, migrateDown])
      await expect(touch(owner)).rejects.toMatchObject({ code: 'database_newer', message });
    const { code, stderr } = await runCli(['enqueue', 't-1'], environment);
    expect(code).toBe(3);
    expect(stderr).toContain('(database_newer)');
    const status = await runCli(['migrate', 'status'], environment);
    expect(status).toMatchObject({ code: 0, stderr: '' });
    expect(status.stdout).toMatch(new RegExp(`^${future} .*\\(unknown to this version\\)$`, 'm'));
  });

  test('what runs stays ready when a newer version migrates, and knows', async () => {
    const db = await openTestDatabase(await newer());
    expect(await databaseReadiness(db)).toEqual({ postgres: true, migrations: true, isNewer: true });
    const own = await openTestDatabase();
    expect(await databaseReadiness(own)).toEqual({ postgres: true, migrations: true, isNewer: false });
  });

  test.each([
    ['a row is gone from the middle', `delete from kysely_migration where name = $name`],
    ['a row was put in later', `update kysely_migration set timestamp = '2999-01-01T00:00:00Z' where name = $name`],
    ['a row has no time', `update kysely_migration set timestamp = 'yesterday' where name = $name`],
  ])('a list of migrations that somebody changed is refused by whatever works on it: %s', async (_what, statement) => {
    const url = await createTestDatabase();
    const owner = await openTestDatabase(asOwner(url));
    const third = (await migrationStatus(owner))[2]!.name;
    await asRole(asOwner(url), statement.replace('$name', `'${third}'`));
    const message = expect.stringContaining(third) as string;
    const refusal = {
      code: 'database_misconfigured',
      message,
      hint: expect.stringContaining('kysely_migration') as string,
    };
    for (const touch of [ensureMigrated, migrateUp, migrateDown])
      await expect(touch(owner)).rejects.toMatchObject(refusal);
    const environment = await createCliEnvironment({ DATABASE_URL: asOwner(url) });
    for (const args of [
      ['migrate', 'up'],
      ['migrate', 'down'],
      ['enqueue', 't-1'],
    ]) {
      const { code, stderr } = await runCli(args, environment);
      expect(code, stderr).toBe(3);
      expect(stderr).toContain('(database_misconfigured)');
    }
    expect((await runCli(['migrate', 'status'], environment)).code).toBe(0);
  });

  test('a row that no version knows is refused, with what to do', async () => {
    const url = await createTestDatabase();
    const unknown = '20200101000000_by_hand';
    await asRole(asOwner(url), `insert into kysely_migration values ('${unknown}', '2020-01-01T00:00:00Z')`);
    const { code, stderr } = await runCli(
      ['migrate', 'up'],
      await createCliEnvironment({ DATABASE_URL: asOwner(url) }),
    );
    expect(code, stderr).toBe(3);
    expect(stderr).toContain(unknown);
    expect(stderr).toContain('(database_newer)');
  });

  test('an older one is refused until it is migrated', async () => {
    const url = await createTestDatabase();
    const owner = await openTestDatabase(asOwner(url));
    const [last] = await migrateDown(owner);
    const db = await openTestDatabase(url);
    const message = expect.stringContaining(last!) as string;
    await expect(ensureMigrated(db)).rejects.toMatchObject({ code: 'database_outdated', message });
    expect(await databaseReadiness(db)).toEqual({ postgres: true, migrations: false, isNewer: false });
    await migrateUp(owner);
    await ensureMigrated(db);
  });

  test.each([
    ['tables', 'create table orders (id int)'],
    [
      'migrations by the same library',
      `create table kysely_migration (name text, timestamp text);
      insert into kysely_migration values ('2020_orders', '2020-01-01T00:00:00Z')`,
    ],
  ])('another program’s is left alone: %s', async (_what, statement) => {
    const url = await createEmptyDatabase();
    await asRole(url, statement);
    const db = await openTestDatabase(url);
    for (const touch of [ensureMigrated, migrateUp, migrateDown])
      await expect(touch(db)).rejects.toMatchObject({ code: 'database_misconfigured' });
    const { rows } = await sql`select from pg_class where relname = 'transactions'`.execute(db.kysely);
    expect(rows).toEqual([]);
  });

  test('what a role may not see or change is called so, and leads to the script', async () => {
    const url = await createTestDatabase();
    await asRole(asOwner(url), `revoke all on kysely_migration from ${appRole}`);
    const unseen = await openTestDatabase(url);
    const foreign = await openTestDatabase(withRole(await createEmptyDatabase(), url));
    const own = await openTestDatabase();
    const hint = expect.stringContaining('ops/postgres-roles.sql') as string;
    for (const touch of [
      () => ensureMigrated(unseen),
      () => ensureMigrated(foreign),
      () => migrateUp(foreign),
      () => migrateDown(own),
    ]) {
      const error: unknown = await touch().catch(asDatabaseError);
      expect(error).toMatchObject({ code: 'database_forbidden', hint });
    }
    expect(await databaseReadiness(unseen)).toEqual({ postgres: true, migrations: false, isNewer: false });
    const { code, stderr } = await runCli(['status'], await createCliEnvironment({ DATABASE_URL: url }));
    expect(code).toBe(3);
    expect(stderr).toContain('(database_forbidden)');
    expect(stderr).not.toMatch(/\n\s+at /);
  });
});
