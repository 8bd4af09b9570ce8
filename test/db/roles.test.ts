import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { expect, inject, test } from 'vitest';
import { neededRights } from '../../src/db/rights.ts';
import { asAdmin, asOwner, atEnd, createEmptyDatabase, createTestDatabase } from '../support/books.ts';
import { createCliEnvironment, runCli } from '../support/cli.ts';
import { appRole, asRole, migrateWithGrants, ownerRole, withDatabase, withRole } from '../support/roles.ts';

const script = await readFile(new URL('../../ops/postgres-roles.sql', import.meta.url), 'utf8');

/** Each table with what a role may do there. */
async function grantsOf(url: string, role: string): Promise<Record<string, string>> {
  const rows = await asRole<{ name: string; rights: string }>(
    url,
    `select c.relname as name, concat_ws(' ',
        case when has_table_privilege('${role}', c.oid, 'select') then 'select' end,
        case when has_table_privilege('${role}', c.oid, 'insert') then 'insert' else (
          select 'insert(' || string_agg(attname, ', ' order by attname) || ')' from pg_attribute
          where attrelid = c.oid and attnum > 0 and has_column_privilege('${role}', c.oid, attnum, 'insert')) end,
        case when has_table_privilege('${role}', c.oid, 'update') then 'update' else (
          select 'update(' || string_agg(attname, ', ' order by attname) || ')' from pg_attribute
          where attrelid = c.oid and attnum > 0 and has_column_privilege('${role}', c.oid, attnum, 'update')) end,
        case when has_table_privilege('${role}', c.oid, 'delete') then 'delete' end,
        case when has_table_privilege('${role}', c.oid, 'truncate, references, trigger') then 'more' end) as rights
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v')`,
  );
  return Object.fromEntries(rows.map(({ name, rights }) => [name, rights]));
}

test('the program’s role may read all tables and write what the program writes, and nothing else', async () => {
  const granted = await grantsOf(asOwner(await createTestDatabase()), appRole);
  const expected = Object.keys(granted).map((name) => [name, ['select', neededRights[name]].filter(Boolean).join(' ')]);
  expect(granted).toEqual(Object.fromEntries(expected));
  expect(Object.keys(granted)).toEqual(expect.arrayContaining(Object.keys(neededRights)));
});

test('the program’s role is no owner, no superuser, and makes neither roles, databases nor tables', async () => {
  const url = await createTestDatabase();
  const [role] = await asRole<Record<string, unknown>>(
    url,
    `select current_user as name, rolsuper or rolcreaterole or rolcreatedb or rolbypassrls as is_privileged,
      has_schema_privilege('public', 'create') or has_database_privilege(current_database(), 'create') as creates,
      exists (select from pg_class where pg_has_role(relowner, 'usage')) as owns
    from pg_roles where rolname = current_user`,
  );
  expect(role).toEqual({ name: appRole, is_privileged: false, creates: false, owns: false });
});

test('connections are as protected as the URL says', async () => {
  const url = await createTestDatabase();
  const [row] = await asRole<{ ssl: boolean }>(url, 'select ssl from pg_stat_ssl where pid = pg_backend_pid()');
  // A server that TEST_DATABASE_URL names without it is used without it.
  expect(row?.ssl).toBe(/[?&]sslmode=(require|verify)/.test(url));
});

test('run again, the script changes nothing, and takes back what was granted beyond it', async () => {
  const owner = asOwner(await createTestDatabase());
  const before = await grantsOf(owner, appRole);
  await asRole(owner, `grant delete, update on closed_lines, kysely_migration to ${appRole}`);
  expect(await grantsOf(owner, appRole)).not.toEqual(before);
  await asRole(owner, script, script);
  expect(await grantsOf(owner, appRole)).toEqual(before);
});

test('where temporary tables were taken away from everybody, doctor says so and the script grants them', async () => {
  const url = await createTestDatabase();
  const name = new URL(url).pathname.slice(1);
  await asRole(asAdmin(url), `revoke temporary on database ${name} from public`);
  const environment = { ...(await createCliEnvironment()), DATABASE_URL: url };
  expect((await runCli(['doctor'], environment)).stdout).toContain('temporary on the database');
  await asRole(asAdmin(url), script);
  expect((await runCli(['doctor'], environment)).stdout).not.toContain('temporary on the database');
});

test('an ordinary owner is told what an administrator has to do once, and needs nothing more', async () => {
  const url = asOwner(await createTestDatabase());
  const name = `idscan_test_role_${randomBytes(4).toString('hex')}`;
  const forOther = script.replaceAll(appRole, name);
  const refusal: unknown = await asRole(url, forOther).catch((error: unknown) => error);
  expect(refusal).toMatchObject({
    code: '42501',
    hint: expect.stringContaining(`create role ${name} login`) as string,
  });
  await asRole(inject('adminUrl'), `create role ${name}`);
  atEnd(() => asRole(asAdmin(url), `drop owned by ${name}`, `drop role ${name}`));
  await asRole(url, forOther);
  expect(await grantsOf(url, name)).toEqual(await grantsOf(url, appRole));
});

test('a role that may create roles makes the other one itself', async () => {
  const url = asAdmin(await createTestDatabase());
  const name = `idscan_test_role_${randomBytes(4).toString('hex')}`;
  await asRole(url, script.replaceAll(appRole, name));
  atEnd(() => asRole(url, `drop owned by ${name}`, `drop role ${name}`));
  expect(await grantsOf(url, name)).toEqual(await grantsOf(url, appRole));
});

test('a database without books is refused, whole', async () => {
  const url = await createEmptyDatabase();
  await expect(asRole(url, script)).rejects.toMatchObject({ message: expect.stringContaining('no books') as string });
});

test('an owner of a schema alone, in another one’s database and beside other tables, sets up books that work', async () => {
  const database = withDatabase(inject('adminUrl'), new URL(await createEmptyDatabase()).pathname.slice(1));
  await asRole(
    database,
    `alter database ${new URL(database).pathname.slice(1)} owner to current_user`,
    `create table public.of_somebody_else (secret text)`,
    `create schema "Ledger" authorization ${ownerRole}`,
  );
  const inSchema = (of: string): string => {
    const url = new URL(withRole(database, of));
    url.searchParams.set('options', '-c search_path="Ledger"');
    return url.toString();
  };
  const [owner, app] = [inSchema(inject('ownerUrl')), inSchema(inject('appUrl'))];
  await migrateWithGrants(owner);
  await asRole(database, `create table "Ledger".beside_them (secret text)`);
  await asRole(owner, script);
  const environment = await createCliEnvironment({ DATABASE_URL: app });
  expect(await runCli(['enqueue', 't-1'], environment)).toMatchObject({ code: 0, stderr: '' });
  expect((await runCli(['status'], environment)).stdout).toContain('1');
  expect(await asRole(database, 'select id from "Ledger".transactions')).toEqual([{ id: 't-1' }]);
  for (const table of ['public.of_somebody_else', '"Ledger".beside_them'])
    await expect(asRole(app, `select from ${table}`)).rejects.toMatchObject({ code: '42501' });
});
