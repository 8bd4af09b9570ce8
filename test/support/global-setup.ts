import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { openDatabase } from '../../src/db/database.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { startTestServers } from './servers.ts';

declare module 'vitest' {
  // eslint-disable-next-line @typescript-eslint/consistent-type-definitions -- merged with the runner's own interface
  export interface ProvidedContext {
    databaseUrl: string;
    redisUrl: string;
    /** A migrated database to clone. */
    template: string;
  }
}

/** Starts the servers once per run, and makes a migrated database that every test file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = await startTestServers();
  const run = `idscan_test_${process.pid}`;
  const admin = new pg.Client({ connectionString: servers.databaseUrl });
  await admin.connect();
  await dropDatabases(admin, (name) => !isAlive(Number(/^idscan_test_(\d+)/.exec(name)?.[1])));
  const template = `${run}_template`;
  await admin.query(`create database ${template}`);
  const db = openDatabase(withDatabase(servers.databaseUrl, template));
  await migrateUp(db);
  await db.close();
  project.provide('databaseUrl', servers.databaseUrl);
  project.provide('redisUrl', servers.redisUrl);
  project.provide('template', template);
  return async () => {
    await dropDatabases(admin, (name) => name.startsWith(run));
    await admin.end();
    await servers.stop();
  };
}

/** The same server, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}

async function dropDatabases(admin: pg.Client, isMeant: (name: string) => boolean): Promise<void> {
  const { rows } = await admin.query<{ datname: string }>(
    `select datname from pg_database where datname like 'idscan\\_test\\_%'`,
  );
  for (const { datname } of rows)
    if (isMeant(datname)) await admin.query(`drop database if exists ${datname} with (force)`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
