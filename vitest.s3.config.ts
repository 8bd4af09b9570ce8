import { configDefaults, defineConfig } from 'vitest/config';

/** Kills by the hundred take half an hour: `CHAOS=full npm run test:s3 -- custody-kills`. */
const long = process.env['CHAOS'] === 'full' ? [] : ['test/s3/custody-kills.s3.ts'];

/** Documents and reports on a real S3-compatible server, Debian's Ceph, which has to be installed: no part of `npm test`. */
export default defineConfig({
  test: {
    include: ['test/s3/**/*.s3.ts'],
    exclude: [...configDefaults.exclude, ...long],
    globalSetup: ['test/support/global-setup.ts', 'test/s3/server.ts'],
    setupFiles: ['test/support/each-file.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 60_000,
    allowOnly: false,
    env: { LOG_LEVEL: '' },
  },
});
