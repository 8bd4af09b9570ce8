import { mountDisk } from '../support/full-disk.ts';
import { requirePrograms } from '../support/needs.ts';

/** Fails at once where the suite cannot run: it would prove nothing. */
export default function setup(): void {
  requirePrograms('setpriv', 'mount', 'umount');
  if (process.geteuid?.() !== 0) throw new Error('This suite needs root: it becomes other users and mounts disks.');
  try {
    mountDisk('64k').unmount();
  } catch (cause) {
    throw new Error('This suite needs to mount a tmpfs, which this root may not (a container without SYS_ADMIN?).', {
      cause,
    });
  }
}
