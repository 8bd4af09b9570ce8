import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import prettier from 'eslint-config-prettier';

/** Packages that only the named folders may import. */
const owned = {
  kysely: ['src/db'],
  pg: ['src/db', 'src/services'],
  'pg-copy-streams': ['src/db'],
  ioredis: ['src/redis', 'src/services'],
  undici: ['src/vendor', 'src/notify'],
  nodemailer: ['src/notify'],
  'bullmq-otel': ['src/tracing'],
  ...Object.fromEntries(
    ['api', 'core', 'context-async-hooks', 'exporter-trace-otlp-http', 'resources', 'sdk-trace'].map((name) => [
      `@opentelemetry/${name}`,
      ['src/tracing'],
    ]),
  ),
  jose: ['src/vendor', 'src/http'],
  fastify: ['src/http'],
  '@fastify/cookie': ['src/http'],
  '@fastify/rate-limit': ['src/http'],
  '@bull-board/api': ['src/http'],
  '@bull-board/fastify': ['src/http'],
  'prom-client': ['src/metrics', 'src/http'],
  commander: ['src/cli'],
  'cli-progress': ['src/cli'],
  'd3-scale': ['src/http'],
};

/** The reading direction: cli → http → metrics; cli, http, workers → jobs → (domain, vendor, db, redis, reports). What a folder must not import. */
const forbidden = {
  'src/domain': ['cli', 'http', 'metrics', 'workers', 'jobs', 'vendor', 'db', 'reports', 'services', 'simulator'],
  'src/vendor': ['cli', 'http', 'metrics', 'workers', 'jobs', 'db', 'reports', 'services', 'simulator'],
  'src/db': ['cli', 'http', 'metrics', 'workers', 'jobs', 'vendor', 'redis', 'reports', 'services', 'simulator'],
  'src/reports': ['cli', 'http', 'metrics', 'workers', 'jobs', 'vendor', 'services', 'simulator'],
  'src/store': ['cli', 'http', 'metrics', 'compose', 'workers', 'jobs', 'vendor', 'services', 'simulator'],
  'src/cli': ['test'],
  'src/compose': ['cli', 'simulator'],
  'src/reference-data': [
    'cli',
    'http',
    'metrics',
    'compose',
    'workers',
    'jobs',
    'vendor',
    'db',
    'reports',
    'services',
    'simulator',
  ],
  'src/jobs': ['cli', 'http', 'metrics', 'workers', 'services', 'simulator'],
  'src/workers': ['cli', 'http', 'metrics', 'services', 'simulator'],
  'src/http': ['cli', 'compose', 'workers', 'vendor', 'services', 'simulator'],
  'src/redis': [
    'cli',
    'http',
    'metrics',
    'compose',
    'workers',
    'jobs',
    'vendor',
    'db',
    'reports',
    'services',
    'simulator',
  ],
  'src/tracing': ['cli', 'http', 'metrics', 'workers', 'jobs', 'vendor', 'db', 'reports', 'services', 'simulator'],
  'src/notify': ['cli', 'http', 'metrics', 'compose', 'workers', 'jobs', 'reports', 'services', 'simulator'],
  'src/metrics': ['cli', 'http', 'compose', 'workers', 'vendor', 'reports', 'services', 'simulator'],
  'src/services': ['cli', 'http', 'metrics', 'workers', 'jobs', 'vendor', 'db', 'reports', 'domain', 'simulator'],
  'src/simulator': ['cli', 'http', 'metrics', 'workers', 'jobs', 'vendor', 'db', 'reports', 'domain', 'services'],
};

const direction = Object.entries(forbidden).map(([folder, others]) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    '@typescript-eslint/no-restricted-imports': [
      'error',
      {
        paths: Object.entries(owned)
          .filter(([, owners]) => !owners.includes(folder))
          .map(([name, owners]) => ({ name, message: `Only ${owners.join(' and ')} may import ${name}.` })),
        patterns: [
          {
            group: others.map((other) => `**/${other}/**`),
            message:
              'Reading direction: cli → http → metrics; cli, http, workers → jobs → (domain, vendor, db, redis, reports).',
          },
          ...(folder === 'src/domain'
            ? [{ regex: '^(?!\\./)', message: 'The domain imports only itself: no packages, no Node, no I/O.' }]
            : []),
        ],
      },
    ],
  },
}));

/** A literal that is spread into another one only groups lines: what belongs together is a value with a name. */
const groupedLiterals = ['SpreadElement > ObjectExpression', 'SpreadElement > ArrayExpression'].map((selector) => ({
  selector,
  message: 'Write the literal out, or give what belongs together a name.',
}));

export default defineConfig(
  { ignores: ['eslint.config.js', 'node_modules/', '.idscan-ledger/', 'reports/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-definitions': ['error', 'type'],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[object.name='process'][property.name='env']",
          message: 'The environment is read in src/config.ts alone.',
        },
        { selector: "CallExpression[callee.name='parseFloat']", message: 'Money and counts never touch a float.' },
        { selector: "CallExpression[callee.property.name='toFixed']", message: 'Money never touches a float.' },
        ...groupedLiterals,
      ],
      eqeqeq: ['error', 'always'],
      'no-console': 'error',
      'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ['src/domain/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval', 'console', 'performance'],
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'Time is an argument.' }],
    },
  },
  ...direction,
  { files: ['src/config.ts', 'test/**', 'bench/**', 'bin/**', '*.config.*'], rules: { 'no-restricted-syntax': 'off' } },
  { files: ['bench/**'], rules: { '@typescript-eslint/restrict-template-expressions': 'off' } },
  { files: ['test/**'], rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-non-null-assertion': 'off' } },
  {
    files: ['test/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[property.name=/^(skip|skipIf|runIf|todo|only)$/]',
          message:
            'No test is skipped: what a machine may lack is needed by a suite of its own, which fails without it.',
        },
      ],
    },
  },
  { files: ['bin/**'], rules: { 'no-console': 'off' } },
  prettier,
);
