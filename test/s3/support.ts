import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { S3 } from '@aws-sdk/client-s3';
import { beforeEach, expect, inject, vi } from 'vitest';
import { parseS3Url, type S3Address } from '../../src/config/s3-address.ts';
import { LedgerError } from '../../src/errors.ts';
import type { ErrorCode } from '../../src/error-table.ts';
import type { ObjectStore } from '../../src/store/object-store.ts';
import { usualLimits } from '../../src/store/s3/connection.ts';
import { s3Store } from '../../src/store/s3-store.ts';
import { atEnd } from '../support/at-end.ts';

/** Buckets of the server: one as it is, and one that keeps versions. */
export type Bucket = 'plain' | 'versioned';

/** For a test that waits until the store has taken too long. */
export const shortLimits = { ...usualLimits, connectMs: 1_000, silentMs: 1_500, requestMs: 1_500, transferMs: 2_000 };

/** Credentials come as they do in a deployment, from the environment. Call it in every file. */
export function credentialsInEnvironment(): void {
  beforeEach(() => {
    vi.unstubAllEnvs();
    const { accessKeyId, secretAccessKey } = inject('s3User');
    vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
  });
}

/** A place that nobody else uses. */
export const ownUrl = (bucket: Bucket = 'plain', endpoint = inject('s3Endpoint')): string =>
  urlOf(bucket, randomBytes(8).toString('hex'), endpoint);

export const urlOf = (bucket: Bucket, prefix: string, endpoint = inject('s3Endpoint')): string =>
  `s3://${bucket}/${prefix}?endpoint=${endpoint}&path-style=true`;

export const ownAddress = (bucket: Bucket = 'plain', endpoint = inject('s3Endpoint')): S3Address =>
  addressAt(ownUrl(bucket, endpoint));

export function addressAt(url: string): S3Address {
  const address = parseS3Url(url);
  if (Array.isArray(address)) throw new Error(address.join('; '));
  return address as S3Address;
}

/** Speaks to the server as anybody could. */
export function bareClient(): S3 {
  const s3 = new S3({
    endpoint: inject('s3Endpoint'),
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: inject('s3User'),
  });
  atEnd(() => {
    s3.destroy();
    return Promise.resolve();
  });
  return s3;
}

export const putText = (store: ObjectStore, name: string, text = 'an image of a passport') =>
  store.put(name, (sink) => sink(Buffer.from(text)));

/** Fails unless the work is refused with this code, and says nothing that nobody may know. */
export async function refusal(work: Promise<unknown>, code: ErrorCode = 'storage_failed'): Promise<LedgerError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(LedgerError);
  const { code: found, hint } = error as LedgerError;
  expect(found, inspect(error)).toBe(code);
  expect(hint).toBeTruthy();
  const said = inspect(error, { depth: 20, showHidden: true });
  for (const secret of [...Object.values(inject('s3User')), process.env['AWS_SECRET_ACCESS_KEY'] ?? '?'])
    expect(said).not.toContain(secret);
  expect(said).not.toMatch(/AWS4-HMAC|Signature=|StringToSign|authorization/i);
  return error as LedgerError;
}

export const causeOf = ({ fields }: LedgerError) => fields['cause'];

export const ownStore = (bucket: Bucket = 'plain'): ObjectStore => s3Store(ownAddress(bucket));
