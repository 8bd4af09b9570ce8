import { type DummyRuleMap, type OxlintOverride, defineConfig } from 'oxlint';

/** Packages that only the named folders may import. */
const owned: Readonly<Record<string, readonly string[]>> = {
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
  'domain config simulator redis embedded tracing reference-data db id-scan invoices',
  'reports notify store jobs metrics workers http compose producer cli',
].flatMap((names) => names.split(' '));
/** Its agreement with the rest would mean nothing if they shared code. */
const shareNothing: Readonly<Record<string, readonly string[]>> = {
  simulator: layers,
  embedded: ['domain', 'config', 'simulator', 'redis'],
};

/** What is outside the domain, for one of its files. */
const outsideDomain = [
  { files: ['src/domain/*.ts'], regex: '^([^.]|\\.[^/])' },
  { files: ['src/domain/*/*.ts'], regex: '^([^.]|\\.[^./]|\\.\\./.*/)' },
  { files: ['src/domain/*/*/**/*.ts'], regex: '.' },
];

type Kind = { readonly files: string[]; readonly regex?: string };

const direction: OxlintOverride[] = layers.flatMap((layer, place) => {
  const folder = `src/${layer}`;
  const above = [...layers.slice(place + 1), ...(shareNothing[layer] ?? [])].filter((other) => other !== layer);
  const kinds: Kind[] = layer === 'domain' ? outsideDomain : [{ files: [`${folder}/**/*.ts`] }];
  return kinds.map(({ files, regex }) => ({
    files,
    rules: {
      'typescript/no-restricted-imports': [
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

/** What is written in another way here, by its selector, and the message that says how. */
const elsewhere = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'The environment is read in src/config/config.ts alone.',
};
const floats = [
  { selector: "CallExpression[callee.name='parseFloat']", message: 'Money and counts never touch a float.' },
  { selector: "CallExpression[callee.property.name='toFixed']", message: 'Money never touches a float.' },
];
/** A literal that is spread into another one only groups lines: what belongs together is a value with a name. */
const groupedLiterals = ['SpreadElement > ObjectExpression', 'SpreadElement > ArrayExpression'].map((selector) => ({
  selector,
  message: 'Write the literal out, or give what belongs together a name.',
}));
const skippedTests = {
  selector: 'MemberExpression[property.name=/^(skip|skipIf|runIf|todo|only)$/]',
  message: 'No test is skipped: what a machine may lack is needed by a suite of its own, which fails without it.',
};

/** Rules for TypeScript that ask for types, all of those that its linter calls strict. */
const strict = [
  'await-thenable no-array-delete no-base-to-string no-deprecated no-duplicate-enum-values',
  'no-duplicate-type-constituents no-dynamic-delete no-empty-object-type no-explicit-any',
  'no-extra-non-null-assertion no-extraneous-class no-floating-promises no-for-in-array',
  'no-generated-empty-object-type no-implied-eval no-invalid-void-type no-meaningless-void-operator',
  'no-misused-new no-misused-promises no-misused-spread no-mixed-enums no-namespace',
  'no-non-null-asserted-nullish-coalescing no-non-null-asserted-optional-chain no-non-null-assertion',
  'no-redundant-type-constituents no-require-imports no-this-alias',
  'no-unnecessary-boolean-literal-compare no-unnecessary-condition no-unnecessary-template-expression',
  'no-unnecessary-type-arguments no-unnecessary-type-assertion no-unnecessary-type-constraint',
  'no-unnecessary-type-conversion no-unnecessary-type-parameters no-unsafe-argument',
  'no-unsafe-assignment no-unsafe-call no-unsafe-declaration-merging no-unsafe-enum-comparison',
  'no-unsafe-function-type no-unsafe-member-access no-unsafe-return no-unsafe-unary-minus',
  'no-useless-default-assignment no-wrapper-object-types only-throw-error prefer-as-const',
  'prefer-literal-enum-member prefer-namespace-keyword prefer-promise-reject-errors',
  'prefer-reduce-type-parameter prefer-return-this-type related-getter-setter-pairs require-await',
  'restrict-plus-operands switch-exhaustiveness-check consistent-type-imports triple-slash-reference',
  'unbound-method unified-signatures use-unknown-in-catch-callback-variable',
].flatMap((names) => names.split(' '));

/** Rules for the language, of which the compiler checks some itself. */
const language: DummyRuleMap = {
  'no-array-constructor': 'error',
  'no-unused-expressions': 'error',
  'no-unused-vars': ['error', { argsIgnorePattern: '^$', varsIgnorePattern: '^$' }],
  'no-useless-constructor': 'error',
  'no-var': 'error',
  'prefer-const': 'error',
  'prefer-rest-params': 'error',
  'prefer-spread': 'error',
  eqeqeq: ['error', 'always'],
  'no-console': 'error',
  'max-lines': ['error', { max: 250, skipBlankLines: true, skipComments: true }],
  'max-lines-per-function': ['error', { max: 70, skipBlankLines: true, skipComments: true }],
};

export default defineConfig({
  plugins: ['typescript', 'import'],
  jsPlugins: ['./ops/lint/restricted.ts'],
  categories: { correctness: 'off' },
  options: { typeAware: true, typeCheck: true, reportUnusedDisableDirectives: 'error' },
  ignorePatterns: ['node_modules/', 'dist/', '.idscan-ledger/', '.mutation/', 'reports/'],
  rules: {
    ...language,
    ...Object.fromEntries(strict.map((name) => [`typescript/${name}`, 'error'])),
    'typescript/ban-ts-comment': ['error', { minimumDescriptionLength: 10 }],
    'typescript/consistent-type-definitions': ['error', 'type'],
    'typescript/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    'typescript/restrict-plus-operands': [
      'error',
      { allowAny: false, allowBoolean: false, allowNullish: false, allowNumberAndString: false, allowRegExp: false },
    ],
    'typescript/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'import/no-cycle': 'error',
    'restricted/syntax': ['error', elsewhere, ...floats, ...groupedLiterals],
  },
  overrides: [
    {
      files: ['src/domain/**/*.ts'],
      rules: {
        'no-restricted-globals': ['error', 'process', 'fetch', 'setTimeout', 'setInterval', 'console', 'performance'],
        'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: 'Time is an argument.' }],
      },
    },
    ...direction,
    {
      files: ['src/config/config.ts', 'ops/**', 'bench/**', 'bin/**', 'examples/**', '*.config.ts'],
      rules: { 'restricted/syntax': 'off' },
    },
    { files: ['bench/**'], rules: { 'typescript/restrict-template-expressions': 'off' } },
    {
      files: ['test/**'],
      rules: {
        'max-lines-per-function': 'off',
        'typescript/no-non-null-assertion': 'off',
        'restricted/syntax': ['error', skippedTests],
      },
    },
    { files: ['bin/**', 'examples/**'], rules: { 'no-console': 'off' } },
  ],
});
