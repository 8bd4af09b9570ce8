import { type ErrorFields, LedgerError } from '../../errors.ts';
import type { ErrorCode } from '../../error-table.ts';

/** What is said about a failure. `says` follows the store's place. */
type Explanation = { readonly code: ErrorCode; readonly says: string; readonly hint: string };

const failed = (says: string, hint: string): Explanation => ({ code: 'storage_failed', says, hint });

/** It is not the file's fault, and passes by itself. */
const passing = (says: string, hint: string): Explanation => ({ code: 'storage_away', says, hint });

const conflict: Explanation = {
  code: 'storage_conflict',
  says: 'has an object of that name already',
  hint: 'Names are written once: somebody else stored it meanwhile.',
};
const full: Explanation = {
  code: 'storage_full',
  says: 'has no room left',
  hint: 'Make room, or raise the quota. Files wait meanwhile, and running workers go on by themselves; start again what has ended.',
};
const noBucket = failed(
  'does not exist',
  'Make the bucket, or correct the URL of the store. The program makes no buckets.',
);
const noObject = failed(
  'has no such object',
  'Was it removed by hand, or by a rule of the bucket that expires objects?',
);
const noCredentials = failed(
  'was not asked: the AWS SDK finds no credentials',
  'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile (AWS_PROFILE), or a role of the machine.',
);
const badCredentials = failed(
  'does not accept the credentials',
  'Wrong, expired, or of another store? They are the first that the AWS SDK finds: environment, profile, role of the machine.',
);
const noRight = failed('does not allow it', 'docs/deployment.md lists the rights that are needed.');
const clock = failed('refuses the clock of this machine: it is wrong by minutes', 'NTP on both.');
const throttled = passing(
  'is asked too often, or overloaded',
  'It is asked again by itself, later. If it goes on: fewer workers, or a higher limit of the store.',
);
const cannot = failed(
  'cannot do what is needed',
  'It has to know conditional writes (If-None-Match: *) in requests with a length: use another store, or a newer version of it. Is a proxy in between?',
);
const elsewhere = failed('is to be asked elsewhere', 'Correct region and endpoint in the URL of the store.');
const changed = failed(
  'received something else than was sent',
  'A proxy in between, or bad memory? It is sent again by itself.',
);
const away = passing(
  'cannot be reached',
  'Is the endpoint in the URL of the store right, and the store up? Files wait meanwhile, and running workers go on by themselves; start again what has ended.',
);
const slow = passing('does not answer in time', 'Is it overloaded, or the network slow? It is asked again by itself.');
const certificate = failed(
  'has a certificate that is not trusted',
  'Is the endpoint right? NODE_EXTRA_CA_CERTS names a certificate authority of your own.',
);
const broken = failed('failed', 'Look into the log of the store. It is asked again by itself.');

/** By the store's own words, which tell more than the status. */
const byName: Readonly<Record<string, Explanation>> = {
  PreconditionFailed: conflict,
  ConditionalRequestConflict: conflict,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  InsufficientStorage: full,
  NoSuchBucket: noBucket,
  NoSuchKey: noObject,
  CredentialsProviderError: noCredentials,
  InvalidAccessKeyId: badCredentials,
  SignatureDoesNotMatch: badCredentials,
  InvalidToken: badCredentials,
  ExpiredToken: badCredentials,
  InvalidClientTokenId: badCredentials,
  RequestTimeTooSkewed: clock,
  RequestExpired: clock,
  SlowDown: throttled,
  ServiceUnavailable: throttled,
  NotImplemented: cannot,
  MissingContentLength: cannot,
  PermanentRedirect: elsewhere,
  AuthorizationHeaderMalformed: elsewhere,
  IllegalLocationConstraintException: elsewhere,
  BadDigest: changed,
  InvalidDigest: changed,
  XAmzContentSHA256Mismatch: changed,
  RequestTimeout: slow,
  TimeoutError: slow,
};

const byStatus: Readonly<Record<number, Explanation>> = {
  301: elsewhere,
  307: elsewhere,
  401: badCredentials,
  403: noRight,
  404: noObject,
  409: conflict,
  411: cannot,
  412: conflict,
  429: throttled,
  501: cannot,
  502: away,
  503: throttled,
  504: slow,
  507: full,
};

/** What is read of an error of the SDK. Nothing else of it is kept: it may quote keys, signatures and signed URLs. */
type SdkError = {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: unknown };
  readonly $response?: { readonly headers?: Readonly<Record<string, string | undefined>> };
};

/** A store refuses requests whose clock is off by a quarter of an hour. */
const longestSkewMs = 600_000;

/**
 * Turns an error of the SDK or the network into ours: what the store said, and what to do. Ours stay as they are.
 *
 * @param place for people; the message begins with it.
 */
export function asS3Error(error: unknown, place: string): LedgerError {
  if (error instanceof LedgerError) return error;
  const sdkError = (error ?? {}) as SdkError;
  const status = Number(sdkError.$metadata?.httpStatusCode ?? 0);
  const cause = causeOf(sdkError, status);
  return s3Error(explain(sdkError, cause, status), place, { cause, status });
}

/** An object that was looked for is not there. */
export const lostObject = (place: string): LedgerError => s3Error(noObject, place, { cause: 'NoSuchKey', status: 404 });

export const nameIsTaken = (place: string): LedgerError =>
  s3Error(conflict, place, { cause: 'PreconditionFailed', status: 412 });

export const tooSlow = (place: string): LedgerError => s3Error(slow, place, { cause: 'TimeoutError', status: 0 });

/** What the store, the SDK or the system called it. */
export const causeOfFailure = (error: unknown): string | undefined =>
  error instanceof LedgerError && typeof error.fields['cause'] === 'string' ? error.fields['cause'] : undefined;

function s3Error({ code, says, hint }: Explanation, place: string, fields: ErrorFields & { cause: string }) {
  const status = fields['status'] === 0 ? '' : `, HTTP ${String(fields['status'])}`;
  const message = `The store ${place} ${says} (${fields.cause}${status}).`;
  return new LedgerError(code, message, { fields, hint, cause: new Error(`${fields.cause}${status}`) });
}

/** Words of a store are repeated only where they look like a name. */
function causeOf({ name, code, message }: SdkError, status: number): string {
  if (typeof message === 'string' && /^Region is missing/.test(message)) return 'NoRegion';
  const words = [code, name].filter((word) => typeof word === 'string' && /^[A-Za-z][A-Za-z0-9_]{2,60}$/.test(word));
  const telling = (words as string[]).find((word) => !['Error', 'Unknown', 'UnknownError'].includes(word));
  return telling ?? (status === 0 ? 'unknown' : 'no reason given');
}

function explain(error: SdkError, cause: string, status: number): Explanation {
  if (cause === 'NoRegion') return elsewhere;
  // An answer to HEAD has no body: that the clock is wrong can only be seen.
  if (status === 403 && !Object.hasOwn(byName, cause) && isSkewed(error)) return clock;
  const known = Object.hasOwn(byName, cause) ? byName[cause] : byStatus[status];
  if (known) return known;
  if (/^(ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/.test(cause)) return certificate;
  if (status === 0 && /^(E[A-Z]{3,}|ERR_)/.test(cause)) return cause === 'ETIMEDOUT' ? slow : away;
  return broken;
}

function isSkewed({ $response }: SdkError): boolean {
  const storeMs = Date.parse($response?.headers?.['date'] ?? '');
  return Math.abs(Date.now() - storeMs) > longestSkewMs;
}
