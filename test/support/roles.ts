import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { openDatabase } from '../../src/db/database.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import type { ServerCertificate } from './certificates.ts';

/** A server's URLs by who connects, each without a database of their own. */
export type RoleUrls = {
  /** Whoever set the server up. */
  readonly adminUrl: string;
  /** Owns databases and schema; an ordinary role that may create databases. */
  readonly ownerUrl: string;
  /** What workers, commands and the service connect as. */
  readonly appUrl: string;
};

export const appRole = 'idscan_ledger_app';
export const ownerRole = 'idscan_ledger_owner';
const grants = new URL('../../ops/postgres-roles.sql', import.meta.url);

/** Runs statements on a connection of their own. */
export async function asRole<Row extends pg.QueryResultRow>(url: string, ...texts: readonly string[]): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    let rows: Row[] = [];
    for (const text of texts) ({ rows } = await client.query<Row>(text));
    return rows;
  } finally {
    await client.end();
  }
}

/** The same server and role, another database. */
export function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}

/** The same database, another role. */
export function withRole(url: string, of: string): string {
  const changed = new URL(url);
  const { username, password } = new URL(of);
  return Object.assign(changed, { username, password }).toString();
}

/** The same URL, asking for a server that the authority vouches for. */
export function overTls(url: string, { caFile }: Pick<ServerCertificate, 'caFile'>): string {
  const changed = new URL(url);
  changed.searchParams.set('sslmode', 'verify-full');
  changed.searchParams.set('sslrootcert', caFile);
  return changed.toString();
}

/** Switches a server to TLS, as far as clients ask for it, and waits until it answers so. */
export async function switchToTls(adminUrl: string, certificate: ServerCertificate): Promise<void> {
  const answers = () => asRole(overTls(adminUrl, certificate), 'select 1').then(Boolean, () => false);
  if (await answers()) return;
  await showCertificate(adminUrl, certificate);
  const deadline = Date.now() + 10_000;
  while (!(await answers())) if (Date.now() > deadline) throw new Error('Postgres does not answer over TLS');
}

/** Gives a server a certificate. Its files are written by itself: so they belong to its user wherever it runs. */
export async function showCertificate(
  adminUrl: string,
  { key, cert }: Pick<ServerCertificate, 'key' | 'cert'>,
): Promise<void> {
  const lines = (pem: string) => pem.trim().split('\n').map(pg.escapeLiteral).join(', ');
  const write = (pem: string, name: string) =>
    `copy (select unnest(array[${lines(pem)}])) to program 'umask 077 && cat > ${name}'`;
  await asRole(
    adminUrl,
    write(key, 'idscan-test.key'),
    write(cert, 'idscan-test.pem'),
    `alter system set ssl_key_file = 'idscan-test.key'`,
    `alter system set ssl_cert_file = 'idscan-test.pem'`,
    `alter system set ssl = on`,
    `select pg_reload_conf()`,
  );
}

/** The two roles of docs/deployment.md, as an administrator makes them. Their passwords follow from the server's own. */
export async function createRoles(adminUrl: string): Promise<RoleUrls> {
  const urlOf = (role: string) => {
    const password = createHash('sha256')
      .update(`${role} ${new URL(adminUrl).password}`)
      .digest('hex')
      .slice(0, 32);
    return Object.assign(new URL(adminUrl), { username: role, password }).toString();
  };
  const [ownerUrl, appUrl] = [urlOf(ownerRole), urlOf(appRole)];
  const role = (name: string, url: string, rights: string) => [
    // Another run may be at the same at this moment.
    `do $$ begin create role ${name}; exception when duplicate_object or unique_violation then null; end $$`,
    `select pg_advisory_xact_lock(hashtextextended('idscan-ledger tests', 0));
     alter role ${name} login nosuperuser nocreaterole ${rights} password '${new URL(url).password}'`,
  ];
  await asRole(adminUrl, ...role(ownerRole, ownerUrl, 'createdb'), ...role(appRole, appUrl, 'nocreatedb'));
  return { adminUrl, ownerUrl, appUrl };
}

/** Migrates as the owner, then gives the program's role its rights, both as documented. */
export async function migrateWithGrants(ownerUrl: string): Promise<void> {
  const db = openDatabase(ownerUrl);
  try {
    await migrateUp(db);
  } finally {
    await db.close();
  }
  await asRole(ownerUrl, await readFile(grants, 'utf8'));
}
