import { requirePrograms } from '../support/needs.ts';

/** Fails at once where the suite cannot run: it would prove nothing. */
export default function setup(): void {
  requirePrograms('python3', 'git', 'apt-get', 'dpkg');
}
