import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vitest/config';
import type {} from 'vitest/node';
import { KeptWorker } from './test/mutation/kept-worker.ts';
import { QuickFirst } from './test/mutation/quick-first.ts';
import { unit } from './vitest.config.ts';

const fewRuns = fileURLToPath(new URL('test/mutation/few-runs.ts', import.meta.url));

const quickly: Plugin = {
  name: 'quickly',
  enforce: 'pre',
  resolveId: (name, importer) => (name === 'fast-check' && importer !== fewRuns ? fewRuns : undefined),
  // Here and not as an option: Stryker asks for `forks`, and takes only the names that vitest brings.
  configureVitest({ project }) {
    project.config.pool = 'kept';
    project.config.poolRunner = { name: 'kept', createPoolWorker: (options) => new KeptWorker(options) };
  },
};

/** The projects `unit` and `generated` as `npm run test:mutation` runs them: docs/decisions/0031-mutation-testing.md. */
export default defineConfig({
  plugins: [quickly],
  test: {
    include: unit,
    // The first reads sources as they are written; the others take seconds for each mutant that nothing else kills.
    exclude: [
      'test/domain/merge-answer-mutants.test.ts',
      'test/domain/money-million.test.ts',
      'test/reports/verify-bytes.test.ts',
    ],
    pool: 'forks',
    isolate: false,
    setupFiles: ['test/mutation/fresh-modules.ts', 'test/support/each-file.ts'],
    sequence: { sequencer: QuickFirst, setupFiles: 'list' },
    testTimeout: 120_000,
    hookTimeout: 60_000,
    allowOnly: false,
    env: { LOG_LEVEL: '' },
  },
});
