import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Programs with the packages of Debian that bring them, by which a machine is made fit for a suite. */
const packageOf = {
  python3: 'python3',
  git: 'git',
  soffice: 'libreoffice-calc',
  setpriv: 'util-linux',
  prlimit: 'util-linux',
  mount: 'mount',
  umount: 'mount',
  'apt-get': 'apt',
  dpkg: 'dpkg',
  'ceph-mon': 'ceph-mon',
  'ceph-osd': 'ceph-osd',
  ceph: 'ceph-common',
  radosgw: 'radosgw',
};

export type ProgramName = keyof typeof packageOf;

/**
 * Fails where a program that a suite needs is missing or does not run, so that nothing is skipped.
 *
 * @throws an error that says how to install what is missing
 */
export function requirePrograms(...names: readonly ProgramName[]): void {
  const missing = names.filter((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status !== 0);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((name) => packageOf[name]))];
  throw new Error(
    `This suite needs ${missing.join(', ')}, missing here: apt-get install -y --no-install-recommends ${packages.join(' ')}`,
  );
}

type LockedPackage = {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
};

/**
 * Fails where an optional package of this platform is missing: npm leaves out, without a word, what asks for a newer Node
 * than its own.
 *
 * @param checkout the folder with `package-lock.json` and `node_modules`
 * @throws an error that names them and how to install them
 */
export function requirePackages(checkout = '.'): void {
  const lock = readFileSync(path.join(checkout, 'package-lock.json'), 'utf8');
  const { packages } = JSON.parse(lock) as { packages: Record<string, LockedPackage> };
  const missing = Object.keys(packages['']?.optionalDependencies ?? {}).filter((name) => {
    const place = `node_modules/${name}`;
    const { os = [process.platform], cpu = [process.arch] } = packages[place] ?? {};
    const isOurs = os.includes(process.platform) && cpu.includes(process.arch);
    return isOurs && !existsSync(path.join(checkout, place, 'package.json'));
  });
  if (missing.length === 0) return;
  throw new Error(
    `Tests need ${missing.join(', ')}, which npm left out, as it does with a Node older than 22.15. Install once more, ` +
      'with the Node that came with the first time: PATH="$PWD/node_modules/.bin:$PATH" npm ci --ignore-scripts',
  );
}
