import { accessSync, constants, readFileSync, statfsSync } from 'node:fs';
import os from 'node:os';

const memory = '/dev/shm';
const enoughBytes = 4 * 1024 ** 3;

/**
 * Where tests keep what they throw away: in memory, where it has room enough and lets programs run. Containers often
 * have 64 MB there, and forbid programs.
 */
export function temporaryFolder(): string {
  try {
    const { bavail, bsize } = statfsSync(memory);
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    const options = mount.findLast(([, folder]) => folder === memory)?.[3]?.split(',') ?? ['noexec'];
    accessSync(memory, constants.W_OK);
    return bavail * bsize >= enoughBytes && !options.includes('noexec') ? memory : os.tmpdir();
  } catch {
    return os.tmpdir();
  }
}
