import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { ensureMigrated, migrateDown, migrateUp, migrationStatus } from '../../src/db/migrate.ts';
import { openDatabase } from '../../src/db/database.ts';
import { createTestDatabase, openTestDatabase } from '../support/books.ts';

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
  const db = await openTestDatabase({ migrated: false });
  expect(await schemaOf(db)).toEqual([]);
  const applied = await migrateUp(db);
  const after = await schemaOf(db);
  expect(after.length).toBeGreaterThan(60);
  for (const name of applied.toReversed()) expect(await migrateDown(db)).toEqual([name]);
  expect(await schemaOf(db)).toEqual([]);
  await migrateUp(db);
  expect(await schemaOf(db)).toEqual(after);
});

test('ten processes that migrate at once: each migration runs once, nobody fails', async () => {
  const url = await createTestDatabase({ migrated: false });
  const databases = Array.from({ length: 10 }, () => openDatabase(url, { maxConnections: 2 }));
  const applied = await Promise.all(databases.map((db) => migrateUp(db)));
  const names = (await migrationStatus(databases[0]!)).map(({ name }) => name);
  expect(applied.flat().sort()).toEqual(names);
  await Promise.all(databases.map((db) => db.close()));
});

test('an empty database is made ready without asking; an older one is left to the operator', async () => {
  const db = await openTestDatabase({ migrated: false });
  await ensureMigrated(db);
  expect((await migrationStatus(db)).every(({ appliedAt }) => appliedAt !== null)).toBe(true);
  await ensureMigrated(db);
});
