import { spawnSync } from 'node:child_process';
import { requirePrograms } from '../support/needs.ts';

/** Fails at once where the suite cannot run: it would prove nothing. */
export default function setup(): void {
  requirePrograms('python3', 'git', 'apt-get', 'dpkg');
  // Debian's Python: another one, first in the path, knows no package of Debian's.
  if (spawnSync('/usr/bin/python3', ['-c', 'import nacl.bindings'], { stdio: 'ignore' }).status !== 0)
    throw new Error('This suite needs PyNaCl, missing here: apt-get install -y --no-install-recommends python3-nacl');
}
