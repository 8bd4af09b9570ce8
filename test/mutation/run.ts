import { statSync } from 'node:fs';
import { Stryker } from '@stryker-mutator/core';

/**
 * `npm run test:mutation -- src/domain src/reports/csv.ts`: folders, files, or lines of a file (`…csv.ts:10-20`).
 * `MUTATION_SAMPLE=12` tries one mutant in twelve.
 */
const isFolder = (name: string): boolean => statSync(name, { throwIfNoEntry: false })?.isDirectory() ?? false;
const named = process.argv.slice(2).map((name) => (isFolder(name) ? `${name}/**/*.ts` : name));

await new Stryker({
  ...(named.length > 0 ? { mutate: named } : {}),
  ...(process.env['MUTATION_SAMPLE'] === undefined ? {} : { checkers: ['sample'], incremental: false }),
}).runMutationTest();
