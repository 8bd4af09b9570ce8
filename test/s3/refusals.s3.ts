import { randomUUID } from 'node:crypto';
import { expect, inject, test, vi } from 'vitest';
import type { S3Address } from '../../src/config/s3-address.ts';
import { s3Store } from '../../src/store/s3-store.ts';
import { startHttpProxy } from './http-proxy.ts';
import {
  addressAt,
  bareClient,
  causeOf,
  credentialsInEnvironment,
  ownAddress,
  ownStore,
  putText,
  refusal,
} from './support.ts';

credentialsInEnvironment();

const anObject = { name: 'passport', sha256: 'a'.repeat(64), bytes: '1' };

/** Every way in which a store is used. */
function everyUse(address: S3Address): readonly (() => Promise<unknown>)[] {
  const store = s3Store(address);
  return [
    () => putText(store, 'passport'),
    () => store.has(anObject),
    () => store.examine(anObject),
    () => store.get('passport'),
    () => store.remove('passport'),
    () => store.list('')[Symbol.asyncIterator]().next(),
    () => store.list('', { everyVersion: true })[Symbol.asyncIterator]().next(),
    () => store.removeStale(Date.now()),
    () => store.marker(),
    () => store.mark(randomUUID()),
    () => store.probe(),
  ];
}

test('without credentials nobody is asked', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', undefined);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/dev/null');
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null');
  const error = await refusal(ownStore().marker());
  expect(causeOf(error)).toBe('CredentialsProviderError');
  expect(error.hint).toContain('AWS_ACCESS_KEY_ID');
});

test('a wrong secret and an unknown key are refused, whatever is asked', async () => {
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-wrong-secret-of-nobody');
  const causes = new Set<unknown>();
  for (const use of everyUse(ownAddress())) causes.add(causeOf(await refusal(use())));
  // An answer to HEAD says no more than 403.
  expect([...causes].sort()).toEqual(['SignatureDoesNotMatch', 'no reason given']);
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'NOBODYSKEY');
  const error = await refusal(ownStore().marker());
  expect(causeOf(error)).toBe('InvalidAccessKeyId');
  expect(error.hint).toContain('environment, profile');
});

test('a bucket that is missing is no store without objects', async () => {
  const address = addressAt(`s3://not-there/books?endpoint=${inject('s3Endpoint')}&path-style=true`);
  for (const use of everyUse(address)) {
    const error = await refusal(use());
    expect(causeOf(error)).toBe('NoSuchBucket');
    expect(error.message).toContain('s3://not-there/books/');
  }
});

test('a clock that is wrong is told about, also where the answer has no body, and corrected', async () => {
  const store = ownStore();
  const stored = await putText(store, 'passport');
  for (const skewMs of [3_600_000, -3_600_000]) {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skewMs });
    const { hint } = await refusal(store.has(stored));
    expect(hint).toContain('NTP');
    expect(await store.has(stored)).toBe(true);
    vi.useRealTimers();
    await store.has(stored).catch(() => undefined);
    const other = ownStore();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skewMs });
    expect(causeOf(await refusal(putText(other, 'passport')))).toBe('RequestTimeTooSkewed');
    vi.useRealTimers();
  }
});

/** An answer of a store as S3 words it. */
const errorBody = (code: string) => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`;

test.each([
  { status: 503, code: 'SlowDown', expected: 'storage_away', hint: 'asked again by itself' },
  { status: 429, code: 'TooManyRequests', expected: 'storage_away', hint: 'asked again by itself' },
  { status: 500, code: 'InternalError', expected: 'storage_failed', hint: 'log of the store' },
  { status: 403, code: 'AccessDenied', expected: 'storage_failed', hint: 'docs/deployment.md' },
  { status: 403, code: 'QuotaExceeded', expected: 'storage_full', hint: 'Make room' },
  { status: 507, code: 'XMinioStorageFull', expected: 'storage_full', hint: 'Make room' },
  { status: 507, code: 'Whatever', expected: 'storage_full', hint: 'Make room' },
  { status: 501, code: 'NotImplemented', expected: 'storage_failed', hint: 'conditional writes' },
  { status: 411, code: 'MissingContentLength', expected: 'storage_failed', hint: 'conditional writes' },
  { status: 301, code: 'PermanentRedirect', expected: 'storage_failed', hint: 'region and endpoint' },
  { status: 409, code: 'ConditionalRequestConflict', expected: 'storage_conflict', hint: 'written once' },
] as const)('$status $code is $expected, asked once', async ({ status, code, expected, hint }) => {
  const proxy = await startHttpProxy({
    answer: (_, response) => {
      response.writeHead(status, { 'content-type': 'application/xml' }).end(errorBody(code));
      return true;
    },
  });
  const error = await refusal(putText(s3Store(ownAddress('plain', proxy.endpoint)), 'passport'), expected);
  expect(error.hint).toContain(hint);
  expect(error.fields).toEqual({ cause: code, status });
  expect(proxy.requests()).toBe(1);
});

test('what a store says that is no name of an error is not repeated', async () => {
  const proxy = await startHttpProxy({
    answer: (_, response) => {
      response.writeHead(400).end(errorBody(`${inject('s3User').secretAccessKey} AWS4-HMAC`));
      return true;
    },
  });
  await refusal(putText(s3Store(ownAddress('plain', proxy.endpoint)), 'passport'));
});

test('a store that overwrites is refused by the probe, and nothing is left in it', async () => {
  let writes = 0;
  const proxy = await startHttpProxy({
    answer: ({ method }, response) => {
      if (method !== 'PUT' || ++writes < 2) return false;
      response.writeHead(200, { etag: '"0"' }).end();
      return true;
    },
  });
  const address = ownAddress('plain', proxy.endpoint);
  const error = await refusal(s3Store(address).probe());
  expect(causeOf(error)).toBe('Overwrites');
  expect(error.hint).toContain('conditional writes');
  const { KeyCount } = await bareClient().listObjectsV2({ Bucket: 'plain', Prefix: address.prefix });
  expect(KeyCount).toBe(0);
});

test('a store that does not remove is refused by the probe', async () => {
  const proxy = await startHttpProxy({
    answer: ({ method }, response) => {
      if (method !== 'DELETE') return false;
      response.writeHead(204).end();
      return true;
    },
  });
  const error = await refusal(s3Store(ownAddress('plain', proxy.endpoint)).probe());
  expect(error.message).toContain('still there');
});

test('a store that knows neither versions nor uploads in parts is one like any other', async () => {
  const proxy = await startHttpProxy({
    answer: ({ url }, response) => {
      if (!/[?&](versions|uploads)\b/.test(url)) return false;
      response.writeHead(501, { 'content-type': 'application/xml' }).end(errorBody('NotImplemented'));
      return true;
    },
  });
  const store = s3Store(ownAddress('plain', proxy.endpoint));
  await store.probe();
  const stored = await putText(store, 'passport');
  for await (const { name } of store.list('', { everyVersion: true })) expect(name).toBe('passport');
  await store.removeStale(Date.now());
  await store.remove('passport');
  expect(await store.has(stored)).toBe(false);
});
