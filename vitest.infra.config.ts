import { defineConfig } from 'vitest/config';

const isFull = process.env['INFRA'] === 'full';

/** The servers that operators run, from Debian's packages, and what befalls them. The gate runs the short form. */
export default defineConfig({
  test: {
    include: ['test/infra/**/*.infra.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/infra/figures.ts'],
    setupFiles: ['test/support/each-file.ts'],
    pool: 'forks',
    maxWorkers: isFull ? 1 : 4,
    testTimeout: isFull ? 7_200_000 : 600_000,
    hookTimeout: 240_000,
    maxConcurrency: 6,
    allowOnly: false,
    env: { LOG_LEVEL: '' },
  },
});
