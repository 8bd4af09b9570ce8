import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Authority } from './certificates.ts';
import { askPostgres } from './postgres.ts';
import { belongsToServers, eventually, freePorts, serverFolder, type ServerProcess, startServer } from './processes.ts';

const admin = 'pooler_admin';
const adminPassword = 'the-admin-of-the-pooler';

/** A PgBouncer in session mode before a Postgres: TLS on both sides, the users' own passwords. */
export async function startPgBouncer(
  postgresPort: number,
  authority: Authority,
  users: Readonly<Record<string, string>>,
) {
  const folder = await serverFolder();
  const [port = 0] = await freePorts(1);
  const file = (name: string) => path.join(folder, name);
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    pool_mode: 'session',
    auth_type: 'scram-sha-256',
    auth_file: file('users'),
    admin_users: admin,
    pidfile: file('pid'),
    max_client_conn: 300,
    default_pool_size: 80,
    client_tls_sslmode: 'allow',
    server_tls_sslmode: 'verify-full',
    client_tls_cert_file: authority.certificate,
    client_tls_key_file: authority.key,
    server_tls_ca_file: authority.root,
    ignore_startup_parameters: 'extra_float_digits',
  };
  const lines = [
    '[databases]',
    `idscan = host=127.0.0.1 port=${postgresPort}`,
    '[pgbouncer]',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
  ];
  await writeFile(file('pgbouncer.ini'), `${lines.join('\n')}\n`);
  const passwords = Object.entries({ ...users, [admin]: adminPassword });
  await writeFile(file('users'), passwords.map(([user, password]) => `"${user}" "${password}"\n`).join(''));
  for (const name of ['pgbouncer.ini', 'users']) await belongsToServers(file(name), 0o600);
  let server: ServerProcess | undefined;
  const command = (text: string) =>
    askPostgres({ port, user: admin, password: adminPassword, database: 'pgbouncer' }, text);
  const start = async () => {
    const started = await startServer('pgbouncer', [file('pgbouncer.ini')], folder);
    server = started;
    await eventually('PgBouncer to start', async () => {
      if (started.hasEnded()) throw new Error(`PgBouncer ended: ${started.said()}`);
      return command('show version').then(
        () => true,
        () => false,
      );
    });
  };
  await start();
  return { port, command, start, kill: () => server?.end('SIGKILL') ?? Promise.resolve() };
}
