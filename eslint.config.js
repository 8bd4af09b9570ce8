import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import prettier from 'eslint-config-prettier';

/** Packages that only the named folders may import. */
const owned = {
  kysely: ['src/db'],
  pg: ['src/db', 'src/embedded'],
  'pg-copy-streams': ['src/db'],
  ioredis: ['src/redis', 'src/embedded'],
  undici: ['src/id-scan', 'src/notify'],
  nodemailer: ['src/notify'],
  'bullmq-otel': ['src/tracing'],
  ...Object.fromEntries(
    ['api', 'core', 'context-async-hooks', 'exporter-trace-otlp-http', 'resources', 'sdk-trace'].map((name) => [
      `@opentelemetry/${name}`,
      ['src/tracing'],
    ]),
  ),
  '@aws-sdk/client-s3': ['src/store'],
  jose: ['src/id-scan', 'src/http'],
  fastify: ['src/http'],
  '@fastify/cookie': ['src/http'],
  '@fastify/multipart': ['src/http'],
  '@fastify/rate-limit': ['src/http'],
  '@bull-board/api': ['src/http'],
  '@bull-board/fastify': ['src/http'],
  'prom-client': ['src/metrics', 'src/http'],
  commander: ['src/cli'],
  'cli-progress': ['src/cli'],
  'd3-scale': ['src/http'],
  saxes: ['src/invoices'],
  yauzl: ['src/invoices'],
  'write-excel-file': ['src/simulator'],
  fflate: ['src/simulator'],
};

/** The reading direction: a folder imports from itself and from those before it. `src/*.ts` belongs to all. */
const layers = [
  ...['domain', 'config', 'simulator', 'redis', 'embedded', 'tracing', 'reference-data', 'db', 'id-scan', 'invoices'],
  ...['reports', 'notify', 'store', 'jobs', 'metrics', 'workers', 'http', 'compose', 'producer', 'cli'],
];
/** Its agreement with the rest would mean nothing if they shared code. */
const shareNothing = { simulator: layers, embedded: ['domain', 'config', 'simulator', 'redis'] };

/** Where the domain's own files are for one of its files. */
const domainPaths = [
  { files: ['src/domain/*.ts'], regex: '^(?!\\./)' },
  { files: ['src/domain/*/*.ts'], regex: '^(?!\\./|\\.\\./[^./]+\\.ts$)' },
  { files: ['src/domain/*/*/**/*.ts'], regex: '' },
];

const direction = layers.flatMap((layer, place) => {
  const folder = `src/${layer}`;
  const above = [...layers.slice(place + 1), ...(shareNothing[layer] ?? [])].filter((other) => other !== layer);
  const kinds = layer === 'domain' ? domainPaths : [{ files: [`${folder}/**/*.ts`] }];
  return kinds.map(({ files, regex }) => ({
    files,
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: Object.entries(owned)
            .filter(([, owners]) => !owners.includes(folder))
            .map(([name, owners]) => ({ name, message: `Only ${owners.join(' and ')} may import ${name}.` })),
          patterns: [
            {
              regex: `^(\\.\\./)+(${above.join('|')})/`,
              message: `${folder} may import from ${layers.slice(0, place).join(', ') || 'itself'} alone.`,
            },
            ...(regex === undefined
              ? []
              : [{ regex, message: 'The domain imports only itself: no packages, no Node, no I/O.' }]),
          ],
        },
      ],
    },
  }));
});

/** A literal that is spread into another one only groups lines: what belongs together is a value with a name. */
const groupedLiterals = ['SpreadElement > ObjectExpression', 'SpreadElement > ArrayExpression'].map((selector) => ({
  selector,
  message: 'Write the literal out, or give what belongs together a name.',
}));

export default defineConfig(
  {
    ignores: [
      'eslint.config.js',
      'stryker.config.json',
      'node_modules/',
      'dist/',
      '.idscan-ledger/',
      '.mutation/',
      'reports/',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    // One program for all files: a quarter less work than a project service, which is made for editors.
    languageOptions: {
      parserOptions: { project: ['./tsconfig.json', './tsconfig.browser.json'], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      // There are no enums, and no classes but errors: two of the three slowest rules would look for them.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
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
          message: 'The environment is read in src/config/config.ts alone.',
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
  {
    files: [
      'src/config/config.ts',
      'ops/release.ts',
      'test/**',
      'bench/**',
      'bin/**',
      'examples/**',
      '*.config.{js,ts}',
    ],
    rules: { 'no-restricted-syntax': 'off' },
  },
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
  { files: ['bin/**', 'examples/**'], rules: { 'no-console': 'off' } },
  prettier,
);
