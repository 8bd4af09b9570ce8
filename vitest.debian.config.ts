import { defineConfig } from 'vitest/config';

/** What asks programs of Debian's and its package archive, which have to be there: no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/debian/**/*.debian.ts'],
    globalSetup: ['test/debian/needs.ts', 'test/support/global-setup.ts'],
    setupFiles: ['test/support/each-file.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 60_000,
    allowOnly: false,
  },
});
