import { defineConfig } from 'vitest/config';

/** Other users and mounted disks, for which one has to be root: no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/privileged/**/*.privileged.ts'],
    globalSetup: ['test/privileged/needs.ts', 'test/support/global-setup.ts'],
    setupFiles: ['test/support/each-file.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    allowOnly: false,
    env: { LOG_LEVEL: '' },
  },
});
