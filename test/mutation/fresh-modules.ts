import { inject, vi } from 'vitest';

// The process is kept from mutant to mutant. Nothing that a module remembers is, and no mutant is active while modules
// load, unless it is one of those that take effect then.
vi.resetModules();
const provided = inject as (key: string) => unknown;
const stryker = (globalThis as unknown as Record<string, { activeMutant?: string | undefined }>)[
  String(provided('globalNamespace'))
];
if (stryker && provided('mutantActivation') !== 'static') stryker.activeMutant = undefined;
