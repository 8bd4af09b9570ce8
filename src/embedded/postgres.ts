import { createHash } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { LedgerError } from '../errors.ts';
import { readIfThere, systemCode } from './files.ts';
import { chooseLauncher } from './launch.ts';
import { claimFolder, type Layout } from './layout.ts';
import { ensureCluster, findNative, POSTGRES_NAME, postgresProgram } from './postgres-files.ts';
import type { Health, Server } from './server.ts';
import { orAfter } from '../within.ts';

/** This is real data: no setting trades durability for speed. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  shared_buffers: '128MB',
  max_connections: '500',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // keeps the text of failed statements out of the log
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
};

const ANSWER_TIMEOUT_MS = 3000;

/** The embedded Postgres below a data folder. `native` overrides the folder with its programs. */
export function postgresServer(layout: Layout, native?: string): Server {
  const base = layout.postgres;
  const data = path.join(base, 'data');
  // part of the title of each of its processes
  const tag = `idscan-ledger-${createHash('sha256').update(base).digest('hex').slice(0, 12)}`;
  const password = () => knownPassword(base);
  return {
    name: 'Postgres',
    slug: 'postgres',
    layout,
    mark: { program: /(^|[\s/])postgres(:?\s|$)/, cwd: data, names: [`${base}/`, tag] },
    // fast shutdown; then without a checkpoint (the next start recovers); then kill
    ending: [
      { signal: 'SIGINT', graceMs: 30_000 },
      { signal: 'SIGQUIT', graceMs: 5000 },
      { signal: 'SIGKILL', graceMs: 5000 },
    ],
    hint: 'Or set DATABASE_URL to a Postgres of your own.',
    prepare: async (notice) => {
      await claimFolder(base, layout.account);
      const program = await postgresProgram(native ?? findNative(), base);
      await ensureCluster(base, layout.account, program, notice);
      return { program, launcher: await chooseLauncher(layout.account, program, data) };
    },
    args: (port) => {
      const settings = Object.entries({ ...SETTINGS, port, cluster_name: tag }).flatMap(([name, value]) => [
        '-c',
        `${name}=${value}`,
      ]);
      return Promise.resolve(['-D', data, ...settings]);
    },
    health: async (port) => await health(port, await password()),
    url: async (port) =>
      `postgres://${POSTGRES_NAME}:${await password()}@127.0.0.1:${port}/${POSTGRES_NAME}?sslmode=disable`,
  };
}

async function knownPassword(base: string): Promise<string> {
  const password = (await readIfThere(path.join(base, 'password')))?.trim();
  if (password !== undefined && password !== '') return password;
  throw new LedgerError('embedded_server_failed', `The password of the embedded Postgres is gone from ${base}.`, {
    hint: 'Put the file "password" back from a copy of the data folder.',
  });
}

/** Checks the server with our password. Creates the database if an interrupted start did not. */
async function health(port: number, password: string): Promise<Health> {
  try {
    await query({ port, password, database: POSTGRES_NAME }, 'select 1');
    return 'ready';
  } catch (error) {
    const verdict = verdictOn(systemCode(error));
    if (verdict !== 'no_database') return verdict;
  }
  try {
    await query({ port, password, database: 'postgres' }, `create database ${POSTGRES_NAME}`);
    return 'starting';
  } catch (error) {
    const verdict = verdictOn(systemCode(error));
    return verdict === 'no_database' ? 'absent' : verdict;
  }
}

function verdictOn(code: string): Health | 'no_database' {
  if (code === '3D000') return 'no_database';
  // cannot connect now; another process created the database meanwhile
  if (code === '57P03' || code === '42P04') return 'starting';
  // too many connections: the server is in use
  if (code === '53300') return 'ready';
  return code === '28P01' || code === '28000' ? 'foreign' : 'absent';
}

async function query(where: { port: number; password: string; database: string }, text: string): Promise<void> {
  const client = new pg.Client({
    ...where,
    host: '127.0.0.1',
    user: POSTGRES_NAME,
    ssl: false,
    connectionTimeoutMillis: ANSWER_TIMEOUT_MS,
    query_timeout: ANSWER_TIMEOUT_MS,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(text);
  } finally {
    // a server that hangs does not answer the end of a connection either
    await orAfter(
      500,
      client.end().catch(() => undefined),
      undefined,
    );
  }
}
