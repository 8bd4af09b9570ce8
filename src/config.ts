import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { isTimeZone } from './domain/billing-month.ts';
import { LedgerError } from './errors.ts';
import { isAllowedBaseUrl } from './vendor/urls.ts';
import type { ProxySettings } from './vendor/dispatcher.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** How the program is set up. Holds no secret but what a connection URL carries; never logged as a whole. */
export type Config = {
  /** Unset = an embedded server below `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly dataDir: string;
  readonly vendor: {
    readonly baseUrl: URL;
    readonly tokenTtlSeconds: number;
    readonly auditReportPath: string;
    /** Requests a second over all workers; `undefined` = none. */
    readonly rateLimit: number | undefined;
    readonly proxy: ProxySettings;
  };
  readonly fetchDocuments: boolean;
  readonly fetchAuditReports: boolean;
  readonly billingTimeZone: string;
  readonly rulesFile: string;
  readonly pricesFile: string | undefined;
  readonly reportsDir: string;
  readonly logLevel: (typeof logLevels)[number];
};

/** The key that signs tokens, apart from the rest so that it is passed only where it is used. */
export type VendorKey = { readonly keyId: string; readonly keySecret: string };

export type Environment = Readonly<Record<string, string | undefined>>;

const shippedRules = fileURLToPath(new URL('../rules/id-scan.json', import.meta.url));

const yesOrNo = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
const url = (protocols: readonly string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.some((protocol) => text.toLowerCase().startsWith(`${protocol}//`)),
      {
        error: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
      },
    );

const schema = z.object({
  DATABASE_URL: url(['postgres:', 'postgresql:']).optional(),
  REDIS_URL: url(['redis:', 'rediss:']).optional(),
  IDSCAN_DATA_DIR: z.string().default('.idscan-ledger'),
  IDSCAN_BASE_URL: z
    .string()
    .default('https://api.cm.com/id-scan/v1/')
    .refine((text) => URL.canParse(text) && isAllowedBaseUrl(new URL(text)), {
      error: 'must be an https URL without credentials, query and fragment (plain http for loopback addresses alone)',
    })
    .transform((text) => new URL(text)),
  IDSCAN_TOKEN_TTL_SECONDS: wholeNumber(5, 86_400).default(60),
  IDSCAN_AUDIT_REPORT_PATH: z
    .string()
    .default('transactions/{transactionId}/results/{resultId}/audit-report')
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
  FETCH_DOCUMENTS: yesOrNo.default(true),
  FETCH_AUDIT_REPORTS: yesOrNo.default(true),
  BILLING_TIME_ZONE: z.string().default('UTC').refine(isTimeZone, 'must be an IANA time zone such as Europe/Amsterdam'),
  RULES_FILE: z.string().default(shippedRules),
  PRICES_FILE: z.string().optional(),
  REPORTS_DIR: z.string().default('reports'),
  LOG_LEVEL: z.enum(logLevels, `must be one of ${logLevels.join(', ')}`).default('info'),
});

/**
 * Reads the process environment, completed by `.env` in the working directory. The only place that does.
 *
 * @throws LedgerError `config_invalid` for a `.env` that cannot be read.
 */
export function readEnvironment(directory: string = process.cwd()): Environment {
  const file = path.join(directory, '.env');
  if (!existsSync(file)) return process.env;
  try {
    process.loadEnvFile(file);
  } catch (cause) {
    throw new LedgerError('config_invalid', `${file} cannot be read.`, { cause });
  }
  return process.env;
}

/**
 * Checks the environment. An empty variable counts as unset.
 *
 * @param needs.vendorKey whether the command calls the vendor.
 * @throws LedgerError `config_invalid` with all mistakes at once, naming variables but never their values.
 */
export function loadConfig(
  environment: Environment,
  needs: { vendorKey: boolean },
): { config: Config; vendorKey: VendorKey | undefined } {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  const problems = parsed.success ? [] : parsed.error.issues.map((one) => `${one.path.join('.')} ${one.message}`);
  const keyId = secret(given, 'IDSCAN_KEY_ID', needs.vendorKey, problems);
  const keySecret = secret(given, 'IDSCAN_KEY_SECRET', needs.vendorKey, problems);
  if (!parsed.success || problems.length > 0)
    throw new LedgerError(
      'config_invalid',
      `The configuration is wrong:\n${problems.map((p) => `  - ${p}`).join('\n')}`,
      {
        fields: { problems: problems.length },
        hint: 'Correct these variables in the environment or in .env; .env.example explains each.',
      },
    );
  const vendorKey = keyId !== undefined && keySecret !== undefined ? Object.freeze({ keyId, keySecret }) : undefined;
  return { config: toConfig(parsed.data, given), vendorKey };
}

function toConfig(env: z.output<typeof schema>, given: Environment): Config {
  const proxy = {
    httpsProxy: given['HTTPS_PROXY'] ?? given['https_proxy'],
    noProxy: given['NO_PROXY'] ?? given['no_proxy'],
  };
  return Object.freeze({
    databaseUrl: env.DATABASE_URL,
    redisUrl: env.REDIS_URL,
    dataDir: path.resolve(env.IDSCAN_DATA_DIR),
    vendor: Object.freeze({
      baseUrl: env.IDSCAN_BASE_URL,
      tokenTtlSeconds: env.IDSCAN_TOKEN_TTL_SECONDS,
      auditReportPath: env.IDSCAN_AUDIT_REPORT_PATH,
      rateLimit: env.IDSCAN_RATE_LIMIT,
      proxy: Object.fromEntries(Object.entries(proxy).filter(([, value]) => value !== undefined)),
    }),
    fetchDocuments: env.FETCH_DOCUMENTS,
    fetchAuditReports: env.FETCH_AUDIT_REPORTS,
    billingTimeZone: env.BILLING_TIME_ZONE,
    rulesFile: env.RULES_FILE,
    pricesFile: env.PRICES_FILE,
    reportsDir: path.resolve(env.REPORTS_DIR),
    logLevel: env.LOG_LEVEL,
  });
}

/** A secret from its variable or from the file that `…_FILE` names (a mounted secret; a final line break is not part). */
function secret(given: Environment, name: string, isRequired: boolean, problems: string[]): string | undefined {
  const direct = given[name];
  const file = given[`${name}_FILE`];
  if (direct !== undefined && file !== undefined) problems.push(`${name} and ${name}_FILE are both set: set one`);
  if (direct !== undefined) return direct;
  if (file === undefined) {
    if (isRequired) problems.push(`${name} is not set (nor is ${name}_FILE)`);
    return undefined;
  }
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text === '') problems.push(`${name}_FILE names an empty file`);
    return text;
  } catch (cause) {
    problems.push(
      `${name}_FILE names a file that cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
    );
    return undefined;
  }
}
