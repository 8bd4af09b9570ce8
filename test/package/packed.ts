import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { pack } from './support.ts';

declare module 'vitest' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- merged with the runner's own interface
  export interface ProvidedContext {
    /** The package, packed. */
    packageFile: string;
  }
}

/** Packs the checkout once for all files: it is built for that. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'idscan-package-'));
  project.provide('packageFile', await pack(folder));
  return () => rm(folder, { recursive: true });
}
