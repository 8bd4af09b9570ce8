import { spawnSync } from 'node:child_process';

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
