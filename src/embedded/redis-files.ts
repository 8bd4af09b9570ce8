import fs from 'node:fs/promises';
import path from 'node:path';
import { LedgerError } from '../errors.ts';
import { fetchFromDebian, unpackedLibraries } from './redis-from-debian.ts';
import { execute } from './execute.ts';
import { systemCode } from './files.ts';
import type { Program } from './launch.ts';

export type FoundRedis = Readonly<{
  program: Program;
  /** Whether an option keeps its command line unchanged (Redis 6.2 and later, Valkey). */
  keepsTitle: boolean;
}>;

const HINT = [
  'Install Redis (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis),',
  'or set REDIS_URL to a server of your own, such as',
  'docker run -p 127.0.0.1:6379:6379 redis:7 --appendonly yes --maxmemory-policy noeviction.',
].join(' ');

/**
 * Finds a Redis or Valkey: on PATH; else one unpacked earlier in one of the folders; else, on Debian and its
 * derivatives, the distribution's own package, unpacked into the first writable folder.
 */
export async function findRedis(folders: readonly string[], notice: (line: string) => void): Promise<FoundRedis> {
  for (const name of ['redis-server', 'valkey-server']) {
    const file = await findOnPath(name);
    const installed = file === undefined ? undefined : await tryVersion({ file, libraries: [], reads: [] });
    if (installed !== undefined) return installed;
  }
  const name = await releaseName();
  for (const folder of folders) {
    const unpacked = await tryUnpacked(path.join(folder, name));
    if (unpacked !== undefined) return unpacked;
  }
  if ((await findOnPath('apt-get')) === undefined || (await findOnPath('dpkg')) === undefined) {
    throw new LedgerError('embedded_server_failed', 'There is no Redis on this machine.', { hint: HINT });
  }
  notice('Fetching Redis from the Debian package archive (once: 1.4 MB, and the archive index of some 10 MB)');
  return await fetchInto(folders, name);
}

async function fetchInto(folders: readonly string[], name: string): Promise<FoundRedis> {
  let reason = '';
  for (const folder of folders) {
    if (!(await isWritable(folder))) continue;
    const target = path.join(folder, name);
    const failure = await fetchFromDebian(target, async (unpacked) => (await tryUnpacked(unpacked)) !== undefined);
    const found = await tryUnpacked(target);
    if (found !== undefined) return found;
    reason = failure ?? `what was unpacked into ${target} does not run`;
    break;
  }
  throw new LedgerError('embedded_server_failed', `Redis could not be fetched from the package archive: ${reason}`, {
    hint: HINT,
  });
}

async function isWritable(folder: string): Promise<boolean> {
  try {
    await fs.mkdir(folder, { recursive: true });
    await fs.access(folder, fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs only what this user or root has put there. */
async function tryUnpacked(folder: string): Promise<FoundRedis | undefined> {
  const file = path.join(folder, 'usr', 'bin', 'redis-server');
  const stat = await fs.stat(file).catch(() => undefined);
  if (stat === undefined || (stat.uid !== 0 && stat.uid !== process.geteuid?.())) return undefined;
  return await tryVersion({ file, libraries: await unpackedLibraries(folder), reads: [] });
}

async function tryVersion(program: Program): Promise<FoundRedis | undefined> {
  const path = program.libraries.length === 0 ? [] : [`LD_LIBRARY_PATH=${program.libraries.join(':')}`];
  const args = ['LC_ALL=C', ...path, program.file, '--version'];
  const { code, stdout } = await execute({ command: 'env', args, timeoutMs: 10_000 });
  const version = /v=(\d+)\.(\d+)/.exec(stdout);
  if (code !== 0 || version === null) return undefined;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return { program, keepsTitle: major > 6 || (major === 6 && minor >= 2) };
}

async function findOnPath(name: string): Promise<string | undefined> {
  const args = ['-c', 'command -v "$1"', 'sh', name];
  const { code, stdout } = await execute({ command: 'sh', args, timeoutMs: 10_000 });
  const file = stdout.trim();
  return code === 0 && path.isAbsolute(file) ? file : undefined;
}

/** The system that a package was unpacked for, because several may share a home folder. */
async function releaseName(): Promise<string> {
  const text = await fs.readFile('/etc/os-release', 'utf8').catch((error: unknown) => {
    if (systemCode(error) !== '') return '';
    throw error;
  });
  const field = (key: string) => new RegExp(`^${key}="?([\\w.-]+)"?$`, 'm').exec(text)?.[1];
  return [
    'redis',
    field('ID') ?? process.platform,
    field('VERSION_ID') ?? field('VERSION_CODENAME') ?? 'any',
    process.arch,
  ].join('-');
}
