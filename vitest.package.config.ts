import { defineConfig } from 'vitest/config';

/** The package as somebody else has it: packed, installed into empty folders, used. It asks npm's registry or its cache. */
export default defineConfig({
  test: {
    include: ['test/package/**/*.package.ts'],
    globalSetup: ['test/support/global-setup.ts', 'test/package/packed.ts'],
    setupFiles: ['test/support/each-file.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 1_800_000,
    allowOnly: false,
    env: { LOG_LEVEL: '' },
  },
});
