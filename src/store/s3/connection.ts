import type * as Sdk from '@aws-sdk/client-s3';
import type { S3Address } from '../../config/s3-address.ts';
import { within } from '../../within.ts';
import { asS3Error, tooSlow } from './errors.ts';

/** How long the store may take. */
export type S3Limits = {
  readonly connectMs: number;
  /** Without a byte in either direction. */
  readonly silentMs: number;
  /** For a request without a file. */
  readonly requestMs: number;
  /** For a file, the time left out in which its reader does something else. */
  readonly transferMs: number;
};

export const usualLimits: S3Limits = { connectMs: 5_000, silentMs: 20_000, requestMs: 30_000, transferMs: 120_000 };

type Question<Answer> = (s3: Sdk.S3, options: { abortSignal: AbortSignal }, sdk: typeof Sdk) => Promise<Answer>;

export type S3Connection = {
  readonly bucket: string;
  readonly prefix: string;
  /** The location, for people. */
  readonly place: string;
  readonly limits: S3Limits;
  /**
   * Asks the store once. Whether to ask again is for whoever wanted something.
   *
   * @throws LedgerError `storage_failed`, `storage_full`, `storage_conflict`
   */
  readonly ask: <Answer>(question: Question<Answer>, timeoutMs?: number) => Promise<Answer>;
};

/** Nothing is loaded or connected before the first question. */
export function s3Connection(address: S3Address, limits: S3Limits): S3Connection {
  const { bucket, prefix, endpoint } = address;
  const place = `s3://${bucket}/${prefix}${endpoint === undefined ? '' : ` at ${endpoint}`}`;
  let opened: Promise<{ sdk: typeof Sdk; s3: Sdk.S3 }> | undefined;
  return {
    bucket,
    prefix,
    place,
    limits,
    ask: async (question, timeoutMs = limits.requestMs) => {
      const abort = new AbortController();
      const asked = (opened ??= open(address, limits)).then(({ s3, sdk }) =>
        question(s3, { abortSignal: abort.signal }, sdk),
      );
      try {
        // The SDK's own deadlines leave out looking for credentials and stores that answer byte by byte.
        return await within(timeoutMs, asked, () => tooSlow(place));
      } catch (error) {
        abort.abort();
        throw asS3Error(error, place);
      }
    },
  };
}

async function open({ endpoint, region, hasPathStyle }: S3Address, { connectMs, silentMs }: S3Limits) {
  const sdk = await import('@aws-sdk/client-s3');
  const s3 = new sdk.S3({
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(region === undefined ? {} : { region }),
    forcePathStyle: hasPathStyle,
    maxAttempts: 1,
    // Otherwise bodies are sent in chunks with a checksum behind them, which many stores answer with 501 or 411.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: silentMs,
      // Given back before stores close it: a request on a connection that is being closed fails.
      httpAgent: { keepAlive: true, timeout: idleMs },
      httpsAgent: { keepAlive: true, timeout: idleMs },
      logger: silent,
    },
    logger: silent,
  });
  return { sdk, s3 };
}

const idleMs = 4_000;

/** The SDK's own words are for developers, and may name what is no business of a log. */
const nothing = (): void => undefined;
const silent = { trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing };
