import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { requirePackages } from './needs.ts';
import { asRole, createRoles, migrateWithGrants, withDatabase } from './roles.ts';
import { startTestServers } from './servers.ts';

declare module 'vitest' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- merged with the runner's own interface
  export interface ProvidedContext {
    /** Postgres as whoever set it up: for what neither of the others may do. */
    adminUrl: string;
    /** Postgres as the schema's owner: for migrations, and for damage that the program cannot do. */
    ownerUrl: string;
    /** Postgres as the program's role. */
    appUrl: string;
    redisUrl: string;
    /** A migrated database to clone. */
    template: string;
  }
}

/**
 * Starts the servers once per run, and makes a database that every test file clones: migrated by its owner, with the
 * rights of ops/postgres-roles.sql. Tests connect as the program's role.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  requirePackages();
  const servers = await startTestServers();
  // Two projects may run in one process, each with databases of its own.
  const run = `idscan_test_${process.pid}_${project.name}`;
  const admin = new pg.Client({ connectionString: servers.adminUrl });
  await admin.connect();
  await dropDatabases(admin, (name) => !isAlive(Number(/^idscan_test_(\d+)/.exec(name)?.[1])));
  const urls = await createRoles(servers.adminUrl);
  const template = `${run}_template`;
  await asRole(urls.ownerUrl, `create database ${template}`);
  await migrateWithGrants(withDatabase(urls.ownerUrl, template));
  project.provide('adminUrl', urls.adminUrl);
  project.provide('ownerUrl', urls.ownerUrl);
  project.provide('appUrl', urls.appUrl);
  project.provide('redisUrl', servers.redisUrl);
  project.provide('template', template);
  return async () => {
    await dropDatabases(admin, (name) => name.startsWith(run));
    await admin.end();
    await servers.stop();
  };
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
