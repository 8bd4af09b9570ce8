import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Environment, loadConfig, logLevels } from '../../src/config/config.ts';
import { LedgerError } from '../../src/errors.ts';

function folder(): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-config-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  return directory;
}

function fileOf(content: string | Buffer): string {
  const file = path.join(folder(), 'secret');
  writeFileSync(file, content);
  return file;
}

const load = (environment: Environment, vendorKey = false) => loadConfig(environment, { vendorKey });
const key = { IDSCAN_KEY_ID: 'key-id', IDSCAN_KEY_SECRET: 'key-secret' };

function refusal(environment: Environment, vendorKey = false): LedgerError {
  let error: unknown;
  try {
    error = { accepted: load(environment, vendorKey) };
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(LedgerError);
  expect(error).toMatchObject({ code: 'config_invalid' });
  return error as LedgerError;
}

/** The variables that a refused environment is refused for. */
function refused(environment: Environment, vendorKey = false): string[] {
  const { message, fields } = refusal(environment, vendorKey);
  const problems = message.split('\n').slice(1);
  expect(fields).toEqual({ problems: problems.length });
  return problems.map((problem) => /^ {2}- (\w+) /.exec(problem)?.[1] ?? problem).sort();
}

const publicKey = Buffer.alloc(32, 7).toString('base64');

describe('defaults', () => {
  test('are the documented ones', () => {
    const { config, vendorKey } = load({});
    expect(vendorKey).toBeUndefined();
    expect(config).toEqual({
      databaseUrl: undefined,
      redisUrl: undefined,
      queuePrefix: '{idscan-ledger}',
      dataDir: path.resolve('.idscan-ledger'),
      vendor: {
        baseUrl: new URL('https://api.cm.com/id-scan/v1/'),
        tokenTtlSeconds: 60,
        auditReportPath: 'transactions/{transactionId}/results/{resultId}/audit-report',
        rateLimit: undefined,
        proxy: {},
      },
      workerConcurrency: 50,
      fetchDocuments: true,
      recheckSettled: true,
      fetchAuditReports: true,
      custody: {
        publicKeys: [],
        secretKeyFile: undefined,
        retentionDays: { document: undefined, audit_report: undefined },
        erasureDelayDays: 7,
      },
      billingTimeZone: 'UTC',
      rulesFile: path.resolve('rules/id-scan.json'),
      pricesFile: undefined,
      reportsDir: path.resolve('reports'),
      logLevel: 'info',
    });
  });

  test('stand in for empty variables, too: empty is unset', () => {
    const names = ['DATABASE_URL', 'REDIS_URL', 'PRICES_FILE', 'RULES_FILE', 'REPORTS_DIR', 'LOG_LEVEL'];
    const others = [
      'WORKER_CONCURRENCY',
      'FETCH_DOCUMENTS',
      'FETCH_AUDIT_REPORTS',
      'BILLING_TIME_ZONE',
      'HTTPS_PROXY',
      'IDSCAN_KEY_ID_FILE',
    ];
    const vendor = ['DATA_DIR', 'BASE_URL', 'TOKEN_TTL_SECONDS', 'AUDIT_REPORT_PATH', 'RATE_LIMIT', 'KEY_ID'];
    const all = [...names, ...others, ...[...vendor, 'KEY_SECRET'].map((name) => `IDSCAN_${name}`)];
    const empty = Object.fromEntries(all.map((name) => [name, '']));
    expect(load(empty)).toEqual(load({}));
    expect(refused(empty, true)).toEqual(['IDSCAN_KEY_ID', 'IDSCAN_KEY_SECRET']);
  });

  test('give way to what is set', () => {
    const { config } = load({
      DATABASE_URL: 'postgresql://u@db:5432/books',
      REDIS_URL: 'rediss://cache:6380/1',
      IDSCAN_DATA_DIR: '/var/lib/idscan',
      IDSCAN_BASE_URL: 'https://example.test/api',
      IDSCAN_TOKEN_TTL_SECONDS: '300',
      IDSCAN_AUDIT_REPORT_PATH: 'results/{resultId}/report.pdf',
      IDSCAN_RATE_LIMIT: '20',
      WORKER_CONCURRENCY: '10',
      FETCH_DOCUMENTS: 'false',
      FETCH_AUDIT_REPORTS: 'false',
      DOCUMENTS_PUBLIC_KEYS: `${publicKey}, ${publicKey},${'B'.repeat(42)}A=`,
      RETENTION_DOCUMENTS_DAYS: '30',
      RETENTION_AUDIT_REPORTS_DAYS: '36500',
      ERASURE_DELAY_DAYS: '0',
      BILLING_TIME_ZONE: 'Europe/Amsterdam',
      RULES_FILE: 'my-rules.json',
      PRICES_FILE: 'prices.json',
      REPORTS_DIR: '/srv/reports',
      LOG_LEVEL: 'debug',
      https_proxy: 'http://proxy:3128',
      NO_PROXY: 'localhost',
      UNRELATED: 'x',
    });
    expect(config).toEqual({
      databaseUrl: 'postgresql://u@db:5432/books',
      redisUrl: 'rediss://cache:6380/1',
      queuePrefix: '{idscan-ledger}',
      dataDir: '/var/lib/idscan',
      vendor: {
        baseUrl: new URL('https://example.test/api'),
        tokenTtlSeconds: 300,
        auditReportPath: 'results/{resultId}/report.pdf',
        rateLimit: 20,
        proxy: { httpsProxy: 'http://proxy:3128', noProxy: 'localhost' },
      },
      workerConcurrency: 10,
      fetchDocuments: false,
      recheckSettled: true,
      fetchAuditReports: false,
      custody: {
        publicKeys: [publicKey, `${'B'.repeat(42)}A=`],
        secretKeyFile: undefined,
        retentionDays: { document: 30, audit_report: 36_500 },
        erasureDelayDays: 0,
      },
      billingTimeZone: 'Europe/Amsterdam',
      rulesFile: 'my-rules.json',
      pricesFile: 'prices.json',
      reportsDir: '/srv/reports',
      logLevel: 'debug',
    });
  });

  test('and all else cannot be changed later', () => {
    const { config, vendorKey } = load(key);
    for (const part of [config, config.vendor, config.custody, config.custody.retentionDays, vendorKey])
      expect(Object.isFrozen(part)).toBe(true);
  });
});

describe('a malformed value is an error, never a silent default', () => {
  // One value between bars each, so that spaces are seen.
  const wholeNumbers = 'abc|1e3|0x10|1.5|-1|+5| 60|60 |1_000|NaN|Infinity|9999999999';
  const urls = 'ftp://api.cm.com/|https://|https://user:pw@api.cm.com/|https://a.test/?k=1|api.cm.com/id-scan/v1/';
  const plain = 'http://api.cm.com/|http://10.0.0.1/|http://0.0.0.0/|http://localhost.test/|http://127.0.0.1.test/';
  const paths =
    'audit-report|https://evil.test/{resultId}|//evil.test/{resultId}|\\\\evil.test\\{resultId}|file:{resultId}';
  const malformed = {
    DATABASE_URL: 'mysql://u@h/d|localhost:5432|postgres|/var/run/postgresql|http://h/d|postgres:h/d|postgres://h1,/d',
    REDIS_URL: 'localhost:6379|http://h|redis|unix:/tmp/redis.sock|redis:h',
    IDSCAN_BASE_URL: `${urls}|${plain}`,
    IDSCAN_TOKEN_TTL_SECONDS: `${wholeNumbers}|0|4|86401`,
    IDSCAN_AUDIT_REPORT_PATH: `${paths}|{resultId|transactions/{transaction_id}/{resultId}`,
    IDSCAN_RATE_LIMIT: `${wholeNumbers}|0|100001`,
    WORKER_CONCURRENCY: `${wholeNumbers}|0|501`,
    FETCH_DOCUMENTS: 'yes|no|1|0|TRUE|False| true',
    FETCH_AUDIT_REPORTS: 'yes|no|1|0|TRUE|False| true',
    DOCUMENTS_PUBLIC_KEYS: `key|,|${publicKey},|${publicKey};${publicKey}|${publicKey}A|${publicKey.slice(1)}|${'ab'.repeat(32)}`,
    RETENTION_DOCUMENTS_DAYS: `${wholeNumbers}|0|36501`,
    RETENTION_AUDIT_REPORTS_DAYS: `${wholeNumbers}|0|36501`,
    ERASURE_DELAY_DAYS: `${wholeNumbers}|366`,
    BILLING_TIME_ZONE: '+02:00|Europe/Amstelveen|Amsterdam|UTC+1| UTC|2',
    LOG_LEVEL: 'verbose|INFO|warning|30',
  };
  const values = Object.entries(malformed).flatMap(([name, all]) =>
    all.split('|').map((value) => [name, value] as const),
  );

  test.each(values)('%s=%j', (name, value) => {
    expect(refused({ [name]: value })).toEqual([name]);
  });

  test('all mistakes are reported together, also those about secrets', () => {
    const wrong = Object.fromEntries(Object.entries(malformed).map(([name, all]) => [name, all.split('|')[0]]));
    const environment = { ...wrong, IDSCAN_KEY_SECRET_FILE: path.join(folder(), 'missing') };
    const secrets = ['IDSCAN_KEY_ID', 'IDSCAN_KEY_SECRET_FILE'];
    expect(refused(environment, true)).toEqual([...Object.keys(malformed), ...secrets].sort());
  });

  test('no value is repeated, whatever is wrong with it', () => {
    const marked = Object.fromEntries(
      Object.keys(malformed).map((name) => [name, 'http://S3CR3T@S3CR3T.test/{resultId}']),
    );
    const environment = {
      ...marked,
      IDSCAN_KEY_ID: 'S3CR3T',
      IDSCAN_KEY_ID_FILE: path.join(folder(), 'S3CR3T'),
      IDSCAN_KEY_SECRET_FILE: path.join(folder(), 'S3CR3T'),
      HTTPS_PROXY: 'http://S3CR3T@proxy',
    };
    const { message, hint, fields, cause } = refusal(environment, true);
    expect(message.split('\n')).toHaveLength(1 + Object.keys(malformed).length + 2);
    expect(JSON.stringify([message, hint, fields, cause])).not.toContain('S3CR3T');
  });

  test('the ends of every range are accepted', () => {
    const vendor = (environment: Environment) => load(environment).config.vendor;
    for (const seconds of ['5', '86400', '007'])
      expect(vendor({ IDSCAN_TOKEN_TTL_SECONDS: seconds }).tokenTtlSeconds).toBe(Number(seconds));
    for (const rate of ['1', '100000']) expect(vendor({ IDSCAN_RATE_LIMIT: rate }).rateLimit).toBe(Number(rate));
    for (const level of logLevels) expect(load({ LOG_LEVEL: level }).config.logLevel).toBe(level);
  });

  test.each(['http://127.0.0.1:8080/', 'http://localhost:3000/v1', 'http://[::1]/', 'https://10.0.0.1/'])(
    'the token may go to %s: https anywhere, http on this machine alone',
    (url) => {
      expect(load({ IDSCAN_BASE_URL: url }).config.vendor.baseUrl.href).toBe(url);
    },
  );
});

describe('the key', () => {
  test('is apart from the rest of the configuration', () => {
    const { config, vendorKey } = load({ ...key, IDSCAN_KEY_SECRET: 'S3CR3T' }, true);
    expect(vendorKey).toEqual({ keyId: 'key-id', keySecret: 'S3CR3T' });
    expect(JSON.stringify(config)).not.toContain('S3CR3T');
    expect(JSON.stringify(config)).not.toContain('key-id');
  });

  test.each([
    ['as it is', 's3cret', 's3cret'],
    ['without its final line feed', 's3cret\n', 's3cret'],
    ['without its final CRLF', 's3cret\r\n', 's3cret'],
    ['with everything else', ' s3 cret= \n\n', ' s3 cret= \n'],
  ])('is read from a mounted file: %s', (_, content, secret) => {
    const files = { IDSCAN_KEY_ID_FILE: fileOf('key-id\n'), IDSCAN_KEY_SECRET_FILE: fileOf(content) };
    expect(load(files, true).vendorKey).toEqual({ keyId: 'key-id', keySecret: secret });
  });

  test.each<[string, files: { id?: string; secret?: string }, given: Environment, refused: string[]]>([
    ['neither is set', {}, {}, ['IDSCAN_KEY_ID', 'IDSCAN_KEY_SECRET']],
    ['one is not set', { id: 'a' }, {}, ['IDSCAN_KEY_SECRET']],
    ['both ways are used', { id: 'a', secret: 'b' }, { IDSCAN_KEY_SECRET: 'b' }, ['IDSCAN_KEY_SECRET']],
    ['the file is empty', { id: 'a', secret: '' }, {}, ['IDSCAN_KEY_SECRET_FILE']],
    ['the file has an empty line', { id: '\n', secret: 'b' }, {}, ['IDSCAN_KEY_ID_FILE']],
    ['the file is missing', { id: 'a' }, { IDSCAN_KEY_SECRET_FILE: '/nowhere/secret' }, ['IDSCAN_KEY_SECRET_FILE']],
    ['the file is a folder', { id: 'a' }, { IDSCAN_KEY_SECRET_FILE: os.tmpdir() }, ['IDSCAN_KEY_SECRET_FILE']],
  ])('is refused where %s', (_, { id, secret }, given, variables) => {
    const environment = {
      ...(id === undefined ? {} : { IDSCAN_KEY_ID_FILE: fileOf(id) }),
      ...(secret === undefined ? {} : { IDSCAN_KEY_SECRET_FILE: fileOf(secret) }),
      ...given,
    };
    expect(refused(environment, true)).toEqual(variables);
  });

  test('is not asked for by commands that do not call the vendor', () => {
    expect(load({}).vendorKey).toBeUndefined();
    expect(load({ IDSCAN_KEY_ID: 'a' }).vendorKey).toBeUndefined();
    expect(load(key).vendorKey).toEqual({ keyId: 'key-id', keySecret: 'key-secret' });
  });
});
