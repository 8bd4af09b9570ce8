import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { execute } from '../../src/embedded/execute.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { debianPrograms, type ProgramName, serverAccount } from './debian.ts';

/** A Postgres without passwords and TLS, on loopback: what is tested here is where connections go. */
export type PlainPostgres = {
  readonly port: number;
  readonly url: string;
  readonly ask: <Row extends pg.QueryResultRow>(text: string) => Promise<Row[]>;
  readonly start: () => Promise<void>;
  /** At once, as `pg_ctl stop -m immediate`. */
  readonly kill: () => Promise<void>;
};

export const account = 'ledger';

async function freePort(): Promise<number> {
  const listener = net.createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as net.AddressInfo;
  await new Promise((resolve) => listener.close(resolve));
  return port;
}

/** A folder that the servers' account may use and that is gone afterwards. */
async function folderOfServers(): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-ledger-infra-'));
  await chmod(folder, 0o755);
  if (serverAccount) await chown(folder, serverAccount.uid, serverAccount.gid);
  atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function run(name: ProgramName, args: readonly string[], cwd: string): Promise<void> {
  const { paths, environment } = await debianPrograms();
  const settings = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
  const words = [...settings, paths[name], ...args];
  const { code, output } = await execute({ command: 'env', args: words, cwd, timeoutMs: 60_000, ...serverAccount });
  if (code !== 0) throw new Error(`${name}: ${output}`);
}

async function launch(name: ProgramName, args: readonly string[], cwd: string): Promise<ChildProcess> {
  const { paths, environment } = await debianPrograms();
  const child = spawn(paths[name], args, { cwd, env: environment, stdio: 'ignore', ...serverAccount });
  atEnd(() => ended(child, 'SIGQUIT'));
  return child;
}

async function ended(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await exited;
}

const answers = (url: string): Promise<boolean> =>
  askOnce(url, 'select 1').then(
    () => true,
    () => false,
  );

export async function askOnce<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Starts a Postgres of its own: a new one, or a standby that streams from another. */
export async function startPostgres(primary?: PlainPostgres): Promise<PlainPostgres> {
  const folder = await folderOfServers();
  const data = path.join(folder, 'data');
  const port = await freePort();
  const url = `postgres://${account}@127.0.0.1:${port}/postgres`;
  if (primary) {
    const from = `host=127.0.0.1 port=${primary.port} user=${account}`;
    await run('pgBasebackup', ['-D', data, '-d', from, '-R', '-X', 'stream', '-c', 'fast', '--no-sync'], folder);
  } else {
    await run('initdb', ['-D', data, '-U', account, '--auth=trust', '--no-sync', '--locale=C.UTF-8'], folder);
  }
  const settings = [
    `port = ${port}`,
    ...(primary ? [] : [`listen_addresses = '127.0.0.1'`, `unix_socket_directories = ''`, 'fsync = off', 'jit = off']),
    ...(primary ? [] : ['max_connections = 200', `wal_keep_size = '256MB'`, 'autovacuum = off']),
  ];
  await appendFile(path.join(data, 'postgresql.conf'), `${settings.join('\n')}\n`);
  let server: ChildProcess | undefined;
  const start = async () => {
    server = await launch('postgres', ['-D', data], folder);
    await waitFor('Postgres to answer', () => answers(url));
  };
  await start();
  return { port, url, start, ask: (text) => askOnce(url, text), kill: () => ended(server, 'SIGQUIT') };
}

export type PgBouncer = {
  readonly url: string;
  readonly restart: () => Promise<void>;
};

/** Starts a PgBouncer before a Postgres. */
export async function startPgBouncer(
  { port: serverPort }: PlainPostgres,
  settings: Readonly<Record<string, string | number>>,
): Promise<PgBouncer> {
  const folder = await folderOfServers();
  const port = await freePort();
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'any',
    logfile: path.join(folder, 'pgbouncer.log'),
    ...settings,
  };
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${serverPort} user=${account}`,
    '[pgbouncer]',
    ...Object.entries(all).map(([name, value]) => `${name} = ${value}`),
  ];
  const file = path.join(folder, 'pgbouncer.ini');
  await writeFile(file, `${lines.join('\n')}\n`);
  const url = `postgres://${account}@127.0.0.1:${port}/postgres`;
  let pooler: ChildProcess | undefined;
  const start = async () => {
    pooler = await launch('pgbouncer', [file], folder);
    await waitFor('PgBouncer to answer', () => answers(url));
  };
  await start();
  return {
    url,
    restart: async () => {
      await ended(pooler, 'SIGTERM');
      await start();
    },
  };
}
