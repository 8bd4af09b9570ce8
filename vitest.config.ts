import { defineConfig } from 'vitest/config';
import { temporaryFolder } from './test/support/temporary.ts';

// Whatever asks for a temporary folder gets one in memory.
process.env['TMPDIR'] ??= temporaryFolder();

/** What needs no server: rules, figures, files, the vendor's invoices, the simulated vendor and the client that calls it. */
export const unit = [
  'test/{config,domain,id-scan,invoices,reference-data,reports,simulator}/**/*.test.ts',
  'test/documents.test.ts',
  'test/error-table.test.ts',
];

/** What takes longest: outages, full disks, long histories. It has a command of its own, `npm run test:long`. */
const long = [
  'test/chaos/{outages,closing-histories,creations,disk-full,webhook-load,never-completed,hostile-urls,rate-limit}.test.ts',
  'test/{http/outages,cli/vendor-down,workers/store-away,bench}.test.ts',
];

/** Why files share a process: docs/decisions/0021-how-tests-run.md. */
export default defineConfig({
  test: {
    pool: 'forks',
    isolate: false,
    maxWorkers: 4,
    setupFiles: ['test/support/each-file.ts'],
    testTimeout: 120_000,
    hookTimeout: 60_000,
    // Nothing is skipped or focused by accident.
    allowOnly: false,
    env: { LOG_LEVEL: '' },
    coverage: {
      provider: 'v8',
      include: ['src/{domain,reference-data,reports}/**/*.ts'],
      reporter: [['text', { skipFull: true }]],
      // A point beneath what was measured: properties draw other examples each time.
      thresholds: {
        'src/domain/*.ts': { statements: 95, branches: 94, functions: 96, lines: 96 },
        'src/domain/reconciliation/**': { statements: 94, branches: 83, functions: 95, lines: 95 },
        'src/reference-data/**': { statements: 97, branches: 92, functions: 99, lines: 98 },
        'src/reports/**': { statements: 83, branches: 79, functions: 77, lines: 85 },
      },
    },
    projects: [
      { extends: true, test: { name: 'unit', include: unit } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: [...unit, ...long],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
      { extends: true, test: { name: 'long', include: long, globalSetup: ['test/support/global-setup.ts'] } },
    ],
  },
});
