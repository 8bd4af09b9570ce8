import { setFlagsFromString } from 'node:v8';

/**
 * Lets V8 collect garbage as rarely as it thinks best. The launcher has it collect early, so that commands and workers at
 * rest stay small; for a worker under load that would cost a fifth of its results.
 */
export function collectLate(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
  setFlagsFromString('--heap-growing-percent=0');
}
