import { defineConfig } from 'vitest/config';

/** Looks at the pages with Chromium, which has to be installed: no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.browser.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    setupFiles: ['test/support/each-file.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    allowOnly: false,
    env: { LOG_LEVEL: '' },
  },
});
