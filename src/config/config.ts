import path from 'node:path';
import { z } from 'zod';
import { checkSecretKeyFile, type CustodyConfig, custodyConfig, custodyVariables } from './custody.ts';
import { readEnvFile } from './env-file.ts';
import { type NotificationConfig, notificationConfig } from './notifications.ts';
import { defaultQueuePrefix, queuePrefixForm } from './queue-prefix.ts';
import { type ServiceConfig, serviceConfig } from './service.ts';
import { type TracingConfig, tracingConfig, tracingVariables } from './tracing.ts';
import { type Environment, redisUrl, s3Url, secret, servers, wholeNumber, yesOrNo } from './values.ts';
import { vendorDefaults } from './vendor-defaults.ts';
import { isTimeZone } from '../domain/billing-month.ts';
import { LedgerError } from '../errors.ts';
import { packageFile } from '../package-file.ts';
import { isAllowedBaseUrl } from './urls.ts';
import { areApart, type S3Address } from './s3-address.ts';
import type { ProxySettings } from './proxy.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** The configuration. Its only secrets are in connection URLs; it is never logged as a whole. */
export type Config = {
  /** Unset = an embedded server below `dataDir`. */
  readonly databaseUrl: string | undefined;
  /** A standby for pages and reports; `undefined` = they read from the primary. */
  readonly databaseReadUrl: string | undefined;
  readonly redisUrl: string | undefined;
  /** The prefix of all keys in Redis. It is in braces, so that they share a slot of a Redis Cluster. */
  readonly queuePrefix: string;
  readonly dataDir: string;
  /** Where stored documents are; `undefined` = in a folder below `dataDir`. */
  readonly documents: S3Address | undefined;
  readonly vendor: {
    readonly baseUrl: URL;
    readonly tokenTtlSeconds: number;
    readonly auditReportPath: string;
    /** Requests a second over all workers; `undefined` = unlimited. */
    readonly rateLimit: number | undefined;
    readonly proxy: ProxySettings;
  };
  /** Concurrent jobs of each kind in one worker process. */
  readonly workerConcurrency: number;
  readonly fetchDocuments: boolean;
  /**
   * Whether settled transactions are fetched again: if what the vendor says is contradictory, and once their month has
   * ended.
   */
  readonly recheckSettled: boolean;
  readonly fetchAuditReports: boolean;
  readonly custody: CustodyConfig;
  readonly billingTimeZone: string;
  readonly rulesFile: string;
  readonly pricesFile: string | undefined;
  readonly reportsDir: string;
  /** Where reports are; `undefined` = in the folder `reportsDir`. */
  readonly reports: S3Address | undefined;
  readonly logLevel: (typeof logLevels)[number];
  /** `undefined` = no tracing. */
  readonly tracing: TracingConfig | undefined;
  /** Where a worker serves its metrics; `undefined` = nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | undefined;
};

/** The key that signs tokens. Kept apart from the rest, so that it is passed only to where it is used. */
export type VendorKey = { readonly keyId: string; readonly keySecret: string };

export type { Environment } from './values.ts';
export type { TracingConfig } from './tracing.ts';
export type { NotificationConfig } from './notifications.ts';
export {
  type AccessToken,
  type AllowedHost,
  type OidcConfig,
  parseHost,
  type Role,
  roles,
  type ServiceConfig,
} from './service.ts';

const schema = z.object({
  DATABASE_URL: servers('writing').optional(),
  DATABASE_READ_URL: servers('reading').optional(),
  REDIS_URL: redisUrl.optional(),
  QUEUE_PREFIX: z
    .string()
    .regex(queuePrefixForm, 'must be a name in braces, such as {idscan-ledger}')
    .default(defaultQueuePrefix),
  IDSCAN_DATA_DIR: z.string().default('.idscan-ledger'),
  DOCUMENTS_URL: s3Url.optional(),
  IDSCAN_BASE_URL: z
    .string()
    .default(vendorDefaults.baseUrl)
    .refine((text) => URL.canParse(text) && isAllowedBaseUrl(new URL(text)), {
      error: 'must be an https URL without credentials, query and fragment (plain http for loopback addresses alone)',
    })
    .transform((text) => new URL(text)),
  IDSCAN_TOKEN_TTL_SECONDS: wholeNumber(5, 86_400).default(vendorDefaults.tokenTtlSeconds),
  IDSCAN_AUDIT_REPORT_PATH: z
    .string()
    .default(vendorDefaults.auditReportPath)
    .refine((text) => !/^[a-z][a-z0-9+.-]*:|^[/\\]{2}/i.test(text), 'must be a path below IDSCAN_BASE_URL, not a URL')
    .refine(
      (text) => (text.match(/\{[^}]*\}/g) ?? []).some((one) => one === '{transactionId}' || one === '{resultId}'),
      {
        error: 'must contain {transactionId} or {resultId}',
      },
    )
    .refine(
      (text) => (text.match(/\{[^}]*\}/g) ?? []).every((one) => one === '{transactionId}' || one === '{resultId}'),
      {
        error: 'must contain no other placeholder than {transactionId} and {resultId}',
      },
    ),
  IDSCAN_RATE_LIMIT: wholeNumber(1, 100_000).optional(),
  WORKER_CONCURRENCY: wholeNumber(1, 500).default(50),
  FETCH_DOCUMENTS: yesOrNo.default(true),
  RECHECK_SETTLED: yesOrNo.default(true),
  FETCH_AUDIT_REPORTS: yesOrNo.default(true),
  ...custodyVariables,
  BILLING_TIME_ZONE: z.string().default('UTC').refine(isTimeZone, 'must be an IANA time zone such as Europe/Amsterdam'),
  RULES_FILE: z.string().default(packageFile('rules/id-scan.json')),
  PRICES_FILE: z.string().optional(),
  REPORTS_DIR: z.string().default('reports'),
  REPORTS_URL: s3Url.optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
  METRICS_PORT: wholeNumber(0, 65_535).optional(),
  ...tracingVariables,
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
});

/**
 * Reads the process environment, completed by `.env` in the working directory. Nothing else reads it.
 *
 * @throws LedgerError `config_invalid` for a `.env` that cannot be read.
 */
export function readEnvironment(directory: string = currentFolder()): Environment {
  for (const [name, value] of Object.entries(readEnvFile(path.join(directory, '.env')) ?? {}))
    process.env[name] ??= value;
  return process.env;
}

/** Relative paths and `.env` are looked for from here. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new LedgerError('config_invalid', 'The working directory is not there any more.', {
      hint: 'Go to a folder that is there, such as the one with .env, and run it again.',
      cause,
    });
  }
}

/**
 * Checks the environment. An empty variable counts as unset.
 *
 * @param needs.vendorKey whether the command calls the vendor.
 * @param needs.service whether the command is about the HTTP service. Otherwise its variables are ignored.
 * @param needs.notifications whether the command sends notifications. Otherwise their variables are ignored.
 * @throws LedgerError `config_invalid` with all mistakes at once. It names variables, but not their values, except
 * files.
 */
export function loadConfig(
  environment: Environment,
  needs: { vendorKey: boolean; service?: boolean; notifications?: boolean },
): {
  config: Config;
  vendorKey: VendorKey | undefined;
  service: ServiceConfig | undefined;
  notifications: NotificationConfig | undefined;
} {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  const problems = parsed.success ? [] : parsed.error.issues.map((one) => `${one.path.join('.')} ${one.message}`);
  const keyId = secret(given, 'IDSCAN_KEY_ID', needs.vendorKey, problems);
  const keySecret = secret(given, 'IDSCAN_KEY_SECRET', needs.vendorKey, problems);
  if (given['DATABASE_READ_URL'] !== undefined && given['DATABASE_URL'] === undefined)
    problems.push('DATABASE_READ_URL needs DATABASE_URL: an embedded server has no standby');
  if (given['REPORTS_URL'] !== undefined && given['REPORTS_DIR'] !== undefined)
    problems.push('REPORTS_URL and REPORTS_DIR are both set: set one');
  if (parsed.success && !areApart(parsed.data.DOCUMENTS_URL, parsed.data.REPORTS_URL))
    problems.push('REPORTS_URL and DOCUMENTS_URL lie in one another: give each a prefix of its own');
  checkSecretKeyFile(given, problems);
  const service = needs.service ? serviceConfig(given, problems) : undefined;
  const notifications = needs.notifications ? notificationConfig(given, problems) : undefined;
  if (!parsed.success || problems.length > 0)
    throw new LedgerError(
      'config_invalid',
      `The configuration is wrong:\n${[...new Set(problems)].map((p) => `  - ${p}`).join('\n')}`,
      {
        fields: { problems: problems.length },
        hint: 'Correct these variables in the environment or in .env; .env.example explains each.',
      },
    );
  const vendorKey = keyId !== undefined && keySecret !== undefined ? Object.freeze({ keyId, keySecret }) : undefined;
  return { config: toConfig(parsed.data, given), vendorKey, service, notifications };
}

function toConfig(env: z.output<typeof schema>, given: Environment): Config {
  const proxy = {
    httpsProxy: given['HTTPS_PROXY'] ?? given['https_proxy'],
    noProxy: given['NO_PROXY'] ?? given['no_proxy'],
  };
  return Object.freeze({
    databaseUrl: env.DATABASE_URL,
    databaseReadUrl: env.DATABASE_READ_URL,
    redisUrl: env.REDIS_URL,
    queuePrefix: env.QUEUE_PREFIX,
    dataDir: path.resolve(env.IDSCAN_DATA_DIR),
    documents: env.DOCUMENTS_URL,
    vendor: Object.freeze({
      baseUrl: env.IDSCAN_BASE_URL,
      tokenTtlSeconds: env.IDSCAN_TOKEN_TTL_SECONDS,
      auditReportPath: env.IDSCAN_AUDIT_REPORT_PATH,
      rateLimit: env.IDSCAN_RATE_LIMIT,
      proxy: Object.fromEntries(Object.entries(proxy).filter(([, value]) => value !== undefined)),
    }),
    workerConcurrency: env.WORKER_CONCURRENCY,
    fetchDocuments: env.FETCH_DOCUMENTS,
    recheckSettled: env.RECHECK_SETTLED,
    fetchAuditReports: env.FETCH_AUDIT_REPORTS,
    custody: custodyConfig(env),
    billingTimeZone: env.BILLING_TIME_ZONE,
    rulesFile: env.RULES_FILE,
    pricesFile: env.PRICES_FILE,
    reportsDir: path.resolve(env.REPORTS_DIR),
    reports: env.REPORTS_URL,
    logLevel: env.LOG_LEVEL,
    tracing: tracingConfig(env),
    metrics:
      env.METRICS_PORT === undefined ? undefined : Object.freeze({ host: env.METRICS_HOST, port: env.METRICS_PORT }),
  });
}
