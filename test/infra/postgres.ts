import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import type { Authority } from './certificates.ts';
import { belongsToServers, eventually, serverFolder, type ServerProcess, startServer, tool } from './processes.ts';

const superuser = 'postgres';
const superPassword = 'a-password-of-the-suite';
const rolesFile = path.join(import.meta.dirname, '../../ops/postgres-roles.sql');

/** One Postgres on a port and a folder of its own, with TLS. It can be killed, promoted, and made a standby again. */
export type PostgresNode = {
  readonly port: number;
  readonly start: () => Promise<void>;
  /** As `pg_ctl stop -m immediate` does, or with SIGINT as `-m fast` does. */
  readonly end: (signal: 'SIGQUIT' | 'SIGINT') => Promise<void>;
  readonly promote: () => Promise<void>;
  /** Copies another one and follows it from the next start on. */
  readonly follow: (primary: PostgresNode) => Promise<void>;
  /** Whether a commit waits until the standby has it. */
  readonly waitForStandby: (isWanted: boolean) => Promise<void>;
  /** As superuser, over loopback without TLS. */
  readonly ask: <Row extends pg.QueryResultRow>(text: string, database?: string) => Promise<Row[]>;
};

const access = [
  'local all all reject',
  `host all ${superuser} 127.0.0.1/32 scram-sha-256`,
  'host replication all 127.0.0.1/32 scram-sha-256',
  'hostssl all all 127.0.0.1/32 scram-sha-256',
  '',
].join('\n');

export async function postgresNode(port: number, authority: Authority): Promise<PostgresNode> {
  const folder = await serverFolder();
  const data = path.join(folder, 'data');
  let server: ServerProcess | undefined;
  let isSynchronous = false;
  const source = (at: number) => `host=127.0.0.1 port=${at} user=${superuser} password=${superPassword}`;
  const ask = <Row extends pg.QueryResultRow>(text: string, database = 'postgres') =>
    askPostgres<Row>({ port, user: superuser, password: superPassword, database }, text);
  const configure = async () => {
    const settings = {
      listen_addresses: '127.0.0.1',
      port: String(port),
      unix_socket_directories: '',
      ssl: 'on',
      ssl_cert_file: authority.certificate,
      ssl_key_file: authority.key,
      max_connections: '200',
      wal_level: 'replica',
      wal_log_hints: 'on',
      hot_standby: 'on',
      wal_keep_size: '256MB',
      max_wal_senders: '8',
      jit: 'off',
      shared_buffers: '64MB',
      synchronous_commit: 'on',
      synchronous_standby_names: isSynchronous ? '*' : '',
      log_min_messages: 'warning',
      hba_file: path.join(data, 'pg_hba.conf'),
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`);
    await writeFile(path.join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);
  };
  const start = async () => {
    await configure();
    const started = await startServer('postgres', ['-D', data], folder);
    server = started;
    await eventually('Postgres to start', async () => {
      if (started.hasEnded()) throw new Error(`Postgres ended: ${started.said()}`);
      return ask('select 1').then(
        () => true,
        () => false,
      );
    });
  };
  if (!(await readFile(path.join(data, 'PG_VERSION')).catch(() => undefined))) {
    await writeFile(path.join(folder, 'password'), superPassword);
    await belongsToServers(path.join(folder, 'password'), 0o600);
  }
  return {
    port,
    ask,
    start: async () => {
      if (!(await readFile(path.join(data, 'PG_VERSION')).catch(() => undefined))) {
        const how = ['--auth=scram-sha-256', `--pwfile=${path.join(folder, 'password')}`, '--locale=C.UTF-8'];
        await tool('initdb', ['-D', data, '-U', superuser, '--no-sync', ...how], folder);
        await writeFile(path.join(data, 'pg_hba.conf'), access);
      }
      await start();
    },
    end: async (signal) => {
      await server?.end(signal);
    },
    promote: async () => {
      await ask('select pg_promote(true, 60)');
    },
    follow: async (primary) => {
      // A new copy, whatever this one had that nobody else has: that is what a lost machine leaves.
      await rm(data, { recursive: true, force: true });
      isSynchronous = false;
      await tool(
        'pgBasebackup',
        ['-D', data, '-d', source(primary.port), '-R', '-X', 'stream', '-c', 'fast', '--no-sync'],
        folder,
      );
    },
    waitForStandby: async (isWanted) => {
      isSynchronous = isWanted;
      await configure();
      await ask('select pg_reload_conf()');
      if (!isWanted) return;
      await eventually('a synchronous standby', async () => {
        const [row] = await ask<{ is_sync: boolean | null }>(
          `select bool_or(sync_state = 'sync') as is_sync from pg_stat_replication`,
        );
        return row?.is_sync === true;
      });
    },
  };
}

type Where = { port: number; user: string; password: string; database: string };

export async function askPostgres<Row extends pg.QueryResultRow>(where: Where, text: string): Promise<Row[]> {
  const client = new pg.Client({ ...where, host: '127.0.0.1', ssl: false, connectionTimeoutMillis: 3_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export const databaseName = 'idscan';
const ownerPassword = 'the-owner-of-the-suite';
const appPassword = 'the-app-of-the-suite';

/** Whom a pooler before it has to know. */
export const passwords = { idscan_owner: ownerPassword, idscan_ledger_app: appPassword };

/** The database with its owner, who may create roles, as docs/deployment.md has it. */
export async function createOwner(node: PostgresNode): Promise<void> {
  await node.ask(`create role idscan_owner login createrole password '${ownerPassword}'`);
  await node.ask(`create database ${databaseName} owner idscan_owner`);
  await node.ask('alter schema public owner to idscan_owner', databaseName);
}

/** What ops/postgres-roles.sql grants, once all tables are there, and a login for the role that it makes. */
export async function createApp(node: PostgresNode): Promise<void> {
  await node.ask(await readFile(rolesFile, 'utf8'), databaseName);
  await node.ask(`alter role idscan_ledger_app login password '${appPassword}'`);
}

/** Addresses as the documents have them: TLS checked against an authority of one's own, and the role. */
export function addresses(ports: readonly number[], authority: Authority, extra = '') {
  const url = (user: string, password: string) =>
    `postgres://${user}:${password}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}/${databaseName}` +
    `?sslmode=verify-full&sslrootcert=${authority.root}${extra}`;
  return { owner: url('idscan_owner', ownerPassword), app: url('idscan_ledger_app', appPassword) };
}
