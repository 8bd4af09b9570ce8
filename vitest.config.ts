import os from 'node:os';
import { defineConfig } from 'vitest/config';
import { temporaryFolder } from './test/support/temporary.ts';

// Whatever asks for a temporary folder gets one in memory.
process.env['TMPDIR'] ??= temporaryFolder();

/** What needs no server: rules, figures, files, the vendor's invoices, the client that calls the vendor. */
export const unit = [
  'test/{config,domain,id-scan,invoices,reference-data,reports}/**/*.test.ts',
  'test/documents.test.ts',
  'test/error-table.test.ts',
];

/** Rules and files again, with thousands of made-up cases each, or as large as they come. */
const generated = [
  'test/domain/reconciliation/{explain-bound,explained}.test.ts',
  'test/{config,domain}/**/*{-properties,-histories,-mutants,-million,confusion}.test.ts',
  'test/domain/rule-learning/{months,solve}.test.ts',
  'test/reports/verify-{bytes,properties}.test.ts',
  'test/invoices/{damaged,endless-files}.test.ts',
  'test/{id-scan,invoices,reference-data}/sizes.test.ts',
  'test/id-scan/import.test.ts',
];

/**
 * What takes longest: servers that go away, full disks, long histories, hostile answers, plans on large tables, what holds
 * of everything at once, the harnesses' own controls. `npm run test:long`.
 */
const long = [
  'test/chaos/{closing,closing-histories,creations,custody-kills,disk-full,frozen,hostile-answers,hostile-urls}.test.ts',
  'test/chaos/{late-arrivals,negative-control,never-completed,observations,outages,outages-enqueue}.test.ts',
  'test/chaos/{rate-limit,server-kills,webhook-load}.test.ts',
  'test/cli/{demo,dispute-rounding,documents,finding-identity,locked,processes,reconcile-restated}.test.ts',
  'test/cli/{reconcile-usage-months,reconcile-withdraw,serve,terminal,vendor-down,work}.test.ts',
  'test/embedded/{durability,recovery,sharing}.test.ts',
  'test/http/{access-log,attempts-everywhere,attempts-of-findings,documents-access,documents-steps,fuzz}.test.ts',
  'test/http/{obstacles,oidc-certified,oidc-conformance,operations,outages,sessions-away,stop}.test.ts',
  'test/jobs/custody/{later-looks,orders,retention,rotate,steps,store-refuses}.test.ts',
  'test/jobs/{fetch/leftovers,fetch/verify-documents,intake/creating-without-postgres}.test.ts',
  'test/{producers/create,simulator/main}.test.ts',
  'test/pipeline/{books-stay,custody-canary,dispute-canary,vendor-bills}.test.ts',
  'test/{db/cube-plans,db/hosts,db/plans,metrics/listener,redis/health,redis/worker,tracing/tracing}.test.ts',
  'test/{workers/database-away,workers/store-away,ops/app-role,ops/compose-run,bench}.test.ts',
];

/** Why files share a process: docs/decisions/0021-how-tests-run.md. */
export default defineConfig({
  test: {
    pool: 'forks',
    isolate: false,
    // Some of them wait; more of them than that would only get in each other's way.
    maxWorkers: Math.min(4, os.availableParallelism() + 1),
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
      { extends: true, test: { name: 'unit', include: unit, exclude: generated } },
      { extends: true, test: { name: 'generated', include: generated } },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/**/*.test.ts'],
          exclude: [...unit, ...generated, ...long],
          globalSetup: ['test/support/global-setup.ts'],
        },
      },
      { extends: true, test: { name: 'long', include: long, globalSetup: ['test/support/global-setup.ts'] } },
    ],
  },
});
