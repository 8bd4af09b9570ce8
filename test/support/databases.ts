import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { atEnd } from './at-end.ts';
import { withDatabase, withRole } from './roles.ts';

/** A connection by URL that makes and drops all databases of this process. To open one takes longer than to use it. */
const kept = new Map<string, pg.Pool>();

async function runOn(url: string, text: string): Promise<void> {
  const pool =
    kept.get(url) ?? new pg.Pool({ connectionString: url, max: 1, idleTimeoutMillis: 0, allowExitOnIdle: true });
  kept.set(url, pool);
  await pool.query(text);
}

/** A database of its own for this test file or test, migrated, as the program's role. Dropped at its end. */
export const createTestDatabase = async (): Promise<string> =>
  withDatabase(inject('appUrl'), await createDatabaseFrom(inject('template')));

/** Databases to clone, by what is in them. */
const filled = new Map<string, Promise<string>>();

/**
 * A database of its own with books that several tests begin with. They are written once in a process, and cloned.
 *
 * @param what names them.
 */
export async function createFilledDatabase(what: string, fill: (url: string) => Promise<void>): Promise<string> {
  const template = filled.get(what) ?? fillTemplate(fill);
  filled.set(what, template);
  return withDatabase(inject('appUrl'), await createDatabaseFrom(await template));
}

/** Not dropped at the end of a test: the run's end drops all of its databases. */
async function fillTemplate(fill: (url: string) => Promise<void>): Promise<string> {
  const name = await copyOf(inject('template'));
  await fill(withDatabase(inject('appUrl'), name));
  return name;
}

/** A database of its own without a schema, as its owner: only an owner can do anything there. */
export const createEmptyDatabase = async (): Promise<string> =>
  withDatabase(inject('ownerUrl'), await createDatabaseFrom('template1'));

async function createDatabaseFrom(template: string): Promise<string> {
  const name = await copyOf(template);
  // Connections of other roles are only an administrator's to end.
  atEnd(() => runOn(inject('adminUrl'), `drop database ${name} with (force)`));
  return name;
}

async function copyOf(template: string): Promise<string> {
  const name = `${inject('template').replace(/_template$/, '')}_${randomBytes(5).toString('hex')}`;
  // Copied as files it takes half the time: the template is small, and nothing has to outlive the machine.
  await runOn(inject('ownerUrl'), `create database ${name} template ${template} strategy file_copy`);
  return name;
}

/** The URL of the same database as its schema's owner. */
export const asOwner = (url: string | undefined): string => withRole(url ?? '', inject('ownerUrl'));

/** The same as whoever set the server up, for settings that only they may change. */
export const asAdmin = (url: string | undefined): string => withRole(url ?? '', inject('adminUrl'));
