import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { execute } from '../../src/embedded/execute.ts';
import { NOBODY } from '../../src/embedded/layout.ts';
import { unpackedLibraries } from '../../src/embedded/redis-from-debian.ts';

/** Postgres and PgBouncer refuse to run as root, so all servers run as nobody then; everybody else is simply himself. */
export const serverAccount = process.geteuid?.() === 0 ? NOBODY : undefined;

const postgresBin = 'usr/lib/postgresql/15/bin';

/** Where each program lies in its package. */
const files = {
  redis: 'usr/bin/redis-server',
  redisCli: 'usr/bin/redis-cli',
  valkey: 'usr/bin/valkey-server',
  postgres: `${postgresBin}/postgres`,
  initdb: `${postgresBin}/initdb`,
  pgCtl: `${postgresBin}/pg_ctl`,
  pgBasebackup: `${postgresBin}/pg_basebackup`,
  pgRewind: `${postgresBin}/pg_rewind`,
  psql: `${postgresBin}/psql`,
  pgbouncer: 'usr/sbin/pgbouncer',
  openssl: 'usr/bin/openssl',
} as const;
export type ProgramName = keyof typeof files;

/** Real servers as Debian ships them: the path of each program, and the environment it needs. */
export type Programs = {
  readonly paths: Readonly<Record<ProgramName, string>>;
  readonly environment: Readonly<Record<string, string>>;
};

/** Valkey is not in Debian 12 itself but in its backports. */
const sources = ['bookworm', 'bookworm-updates', 'bookworm-backports'].map(
  (suite) => `deb http://deb.debian.org/debian ${suite} main`,
);
sources.push('deb http://deb.debian.org/debian-security bookworm-security main');

/** The programs, and the libraries that the smallest Debian lacks. */
const packages = [
  'redis-server',
  'redis-tools',
  'valkey-server',
  'valkey-tools',
  'pgbouncer',
  'openssl',
  'postgresql-15',
  'postgresql-client-15',
  'libpq5',
  'libicu72',
  'libxml2',
  'libxslt1.1',
  'libldap-2.5-0',
  'libsasl2-2',
  'libgssapi-krb5-2',
  'libkrb5-3',
  'libk5crypto3',
  'libkrb5support0',
  'libkeyutils1',
  'libcom-err2',
  'libreadline8',
  'libssl3',
  'liblz4-1',
  'libzstd1',
  'libjemalloc2',
  'libatomic1',
  'liblzf1',
  'libevent-2.1-7',
  'libc-ares2',
];

/** As root not below /root, which nobody may enter. */
function cacheFolder(): string {
  const base =
    process.geteuid?.() === 0
      ? '/var/cache/idscan-ledger/infra'
      : path.join(os.homedir(), '.cache', 'idscan-ledger', 'infra');
  const version = createHash('sha256')
    .update(JSON.stringify([sources, packages]))
    .digest('hex')
    .slice(0, 12);
  return path.join(base, `bookworm-${process.arch}-${version}`);
}

/**
 * The servers that operators run, from Debian's archive: unpacked into a cache folder, not installed, without root.
 * Nothing of the machine's own packages is used but the C library.
 *
 * @throws an error that says what is missing. There is no way on without them.
 */
export async function debianPrograms(notice: (line: string) => void = () => undefined): Promise<Programs> {
  const folder = cacheFolder();
  if (await stat(folder).catch(() => undefined)) return programsIn(folder);
  for (const tool of ['apt-get', 'dpkg']) {
    const { code } = await execute({ command: tool, args: ['--version'], timeoutMs: 10_000 });
    if (code !== 0) throw new Error(`The infrastructure suite needs ${tool}: run it on Debian 12 or a later one.`);
  }
  notice('fetching servers from the Debian package archive (once: 50 MB)');
  const work = await makeWorkFolder(folder);
  try {
    const unpacked = path.join(work, 'unpacked');
    await download(work);
    await unpack(work, unpacked);
    await programsIn(unpacked);
    // Where another run was faster, its folder is as good.
    await rename(unpacked, folder).catch(() => undefined);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return programsIn(folder);
}

async function makeWorkFolder(target: string): Promise<string> {
  await mkdir(path.dirname(target), { recursive: true });
  const work = await mkdtemp(`${target}.new-`);
  await chmod(work, 0o755);
  for (const name of ['lists/partial', 'cache/archives/partial', 'packages', 'unpacked'])
    await mkdir(path.join(work, name), { recursive: true });
  await writeFile(path.join(work, 'sources.list'), `${sources.join('\n')}\n`);
  return work;
}

async function download(work: string): Promise<void> {
  const options = {
    'Dir::Etc::SourceList': path.join(work, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': path.join(work, 'lists'),
    'Dir::Cache': path.join(work, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::http::Timeout': '20',
    'Acquire::Retries': '2',
  };
  const words = ['-q', ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])];
  const cwd = path.join(work, 'packages');
  for (const args of [['update'], ['download', ...packages]]) {
    const { code, output } = await execute({
      command: 'apt-get',
      args: [...words, ...args],
      cwd,
      timeoutMs: 300_000,
    });
    if (code !== 0)
      throw new Error(`Servers could not be fetched from the Debian archive: ${output.trim().slice(-800)}`);
  }
}

async function unpack(work: string, target: string): Promise<void> {
  const folder = path.join(work, 'packages');
  for (const name of await readdir(folder)) {
    const args = ['-x', path.join(folder, name), target];
    const { code, output } = await execute({ command: 'dpkg', args, timeoutMs: 120_000 });
    if (code !== 0) throw new Error(`${name} could not be unpacked: ${output.trim().slice(-800)}`);
  }
}

/** Where the programs are, once each has said its version. */
async function programsIn(folder: string): Promise<Programs> {
  const libraries = await unpackedLibraries(folder);
  const environment = { LD_LIBRARY_PATH: libraries.join(':'), LC_ALL: 'C' };
  const paths = Object.fromEntries(
    Object.entries(files).map(([name, file]) => [name, path.join(folder, file)]),
  ) as Record<ProgramName, string>;
  for (const [name, file] of Object.entries(paths)) {
    const settings = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
    const args = [...settings, file, name === 'openssl' ? 'version' : '--version'];
    const { code, output } = await execute({ command: 'env', args, timeoutMs: 20_000, ...serverAccount });
    if (code !== 0) throw new Error(`${file} does not run on this machine: ${output.trim().slice(-800)}`);
  }
  return { paths, environment };
}
