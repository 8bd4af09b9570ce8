import fs from 'node:fs/promises';
import path from 'node:path';
import { execute } from './execute.ts';

/** The server, the package that contains its program, and the libraries that not every system has. */
const PACKAGES = ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'];

/** A fetch that is older than this has ended. */
const FETCH_LIMIT_MS = 3_600_000;

/**
 * Unpacks the distribution's own Redis into a folder without installing it: no root, nothing outside the folder, and
 * signatures verified by apt. The folder gets its name only if `works` returns true.
 *
 * @returns what went wrong, if anything did.
 */
export async function fetchFromDebian(
  target: string,
  works: (folder: string) => Promise<boolean>,
): Promise<string | undefined> {
  await removeUnfinished(target);
  const work = await fs.mkdtemp(`${target}.new-`);
  try {
    const unpacked = path.join(work, 'unpacked');
    const failure = (await download(work)) ?? (await unpack(work, unpacked));
    if (failure !== undefined) return failure;
    if (!(await works(unpacked))) {
      // a minimal system may lack more: fetch everything that apt would install
      const more = (await downloadAll(work)) ?? (await unpack(work, unpacked));
      if (more !== undefined) return more;
      if (!(await works(unpacked))) return 'the program in the package does not run here';
    }
    // if another command was faster, its folder is as good
    await fs.rename(unpacked, target).catch(() => undefined);
    return undefined;
  } finally {
    await fs.rm(work, { recursive: true, force: true });
  }
}

/** Removes what interrupted fetches left, unless it is so recent that the fetch may still be running. */
async function removeUnfinished(target: string): Promise<void> {
  const parent = path.dirname(target);
  for (const name of await fs.readdir(parent)) {
    if (!name.startsWith(`${path.basename(target)}.new-`)) continue;
    const folder = path.join(parent, name);
    const stat = await fs.stat(folder).catch(() => undefined);
    if (stat !== undefined && Date.now() - stat.mtimeMs < FETCH_LIMIT_MS) continue;
    await fs.rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}

/** The folders with the shared libraries of an unpacked package. */
export async function unpackedLibraries(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const parent of ['usr/lib', 'lib']) {
    const entries = await fs.readdir(path.join(folder, parent), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      if (entry.isDirectory() && entry.name.includes('-linux-')) found.push(path.join(folder, parent, entry.name));
    }
  }
  return found;
}

async function download(work: string): Promise<string | undefined> {
  await fs.chmod(work, 0o755);
  for (const folder of ['lists/partial', 'cache/archives/partial', 'packages/partial']) {
    await fs.mkdir(path.join(work, folder), { recursive: true });
  }
  // a broken third-party archive fails the update, but we may not need that archive
  const update = await apt(work, ['update']);
  const { code, output } = await apt(work, ['download', ...PACKAGES]);
  return code === 0 ? undefined : tail(`${update.output}\n${output}`);
}

async function downloadAll(work: string): Promise<string | undefined> {
  const { code, output } = await apt(work, [
    'install',
    '--download-only',
    '--no-install-recommends',
    '--yes',
    'redis-server',
    '-o',
    `Dir::Cache::Archives=${path.join(work, 'packages')}`,
    '-o',
    `Dir::State::extended_states=${path.join(work, 'extended_states')}`,
  ]);
  return code === 0 ? undefined : tail(output);
}

async function apt(work: string, args: readonly string[]): Promise<{ code: number | null; output: string }> {
  const options = {
    'Dir::State::Lists': path.join(work, 'lists'),
    'Dir::Cache': path.join(work, 'cache'),
    'Debug::NoLocking': '1',
    // run as root: the user _apt cannot enter another user's folder
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
    'Acquire::Retries': '1',
  };
  const words = ['-q', ...Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]), ...args];
  const cwd = path.join(work, 'packages');
  return await execute({ command: 'apt-get', args: words, cwd, timeoutMs: 180_000 });
}

async function unpack(work: string, target: string): Promise<string | undefined> {
  await fs.mkdir(target, { recursive: true });
  const packages = path.join(work, 'packages');
  for (const name of await fs.readdir(packages)) {
    if (!name.endsWith('.deb')) continue;
    const args = ['-x', path.join(packages, name), target];
    const { code, output } = await execute({ command: 'dpkg', args, timeoutMs: 60_000 });
    if (code !== 0) return tail(output);
  }
  return undefined;
}

function tail(text: string): string {
  return text.trim().slice(-800);
}
