import { requirePrograms } from '../support/needs.ts';

/** Fails at once where the suite cannot run: it would prove nothing. */
export default function setup(): void {
  requirePrograms('soffice', 'python3');
}
