import { request, type Dispatcher } from 'undici';
import { LedgerError } from '../errors.ts';
import { orAborted, withBudget } from './deadline.ts';
import { statusFailure, vendorError } from './failures.ts';
import { readJson } from '../json.ts';
import { traced, type Tracing } from '../tracing/trace.ts';
import type { TokenSource } from './tokens.ts';
import type { ObservedRequest, VendorClientSettings } from './vendor-client.ts';

/** What all calls share. */
export type Http = {
  readonly dispatcher: Dispatcher;
  readonly tokens: TokenSource;
  readonly now: () => Date;
  /** The wait does not count towards the deadline. */
  readonly beforeRequest: NonNullable<VendorClientSettings['beforeRequest']>;
  readonly observe: (request: ObservedRequest) => void;
  /** Called with the size of each chunk of a body. */
  readonly received: (bytes: number) => void;
  readonly open: Tracing['open'];
  readonly userAgent: string;
  /** Aborts with the error that running calls end with. */
  readonly closing: AbortSignal;
};

/** One call, with one deadline and a size limit. `what` describes it in words, never by a URL. */
export type Call = {
  readonly what: string;
  /** The kind of thing that is requested: one word, without its ID. */
  readonly operation: 'transaction' | 'create' | 'result' | 'file' | 'audit_report' | 'webhook';
  readonly url: URL;
  readonly accept: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Sent as JSON by POST. Without a body the call is a GET. */
  readonly body?: string;
  /** The statuses that count as success. Default: only 200. */
  readonly successes?: readonly number[];
};

export type Answer = {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  /** The body in chunks, pulled no faster than it is read. Throws if the body is incomplete. */
  readonly chunks: () => AsyncGenerator<Uint8Array, void>;
};

/** A request that the rate limiter has let through. */
type Sending = { readonly token: string; readonly signal: AbortSignal; readonly isOver: () => void };

type Attempt<Value> = { readonly value: Value } | { readonly unauthorized: LedgerError };

const maxErrorBodyBytes = 64 * 1_024;

/**
 * Makes one call and passes a successful response to `use`; otherwise throws an error `vendor_…`. After a 401 it
 * repeats the request once with a new token; nothing else is repeated. Redirects are not followed. Errors of
 * `beforeRequest` and `use` are passed on.
 */
export async function exchange<Value>(
  http: Http,
  call: Call,
  use: (answer: Answer, signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const budget = { leftMs: call.timeoutMs };
  const expired = (): LedgerError =>
    vendorError('vendor_timeout', `No complete answer within ${call.timeoutMs} ms for ${call.what}.`);
  let token = '';
  const attempt = async (nextToken: () => Promise<string>): Promise<Attempt<Value>> => {
    http.closing.throwIfAborted();
    const isOver = await letThrough(http);
    try {
      token = await nextToken();
      return await withBudget(budget, http.closing, expired, (signal) =>
        traced(http, [`vendor ${call.operation}`, 'client', {}], () => ask(http, call, { token, signal, isOver }, use)),
      );
    } finally {
      isOver();
    }
  };
  const first = await attempt(() => http.tokens.current());
  if ('value' in first) return first.value;
  const second = await attempt(() => http.tokens.renew(token));
  if ('value' in second) return second.value;
  throw second.unauthorized;
}

/** Waits for the rate limiter. @returns what tells it, once, that the request is over. */
async function letThrough({ beforeRequest, closing }: Http): Promise<() => void> {
  const waiting = beforeRequest();
  try {
    let tell: (() => void) | undefined = await orAborted(waiting, closing);
    return () => {
      tell?.();
      tell = undefined;
    };
  } catch (error) {
    // It may let a request through that is not made any more.
    void waiting.then(
      (tell) => tell(),
      () => undefined,
    );
    throw error;
  }
}

async function ask<Value>(
  http: Http,
  call: Call,
  sending: Sending,
  use: (answer: Answer, signal: AbortSignal) => Promise<Value>,
): Promise<Attempt<Value>> {
  const { signal } = sending;
  const response = await send(http, call, sending);
  try {
    if ((call.successes ?? [200]).includes(response.statusCode)) {
      checkEncoding(call, response);
      return {
        value: await use(
          {
            status: response.statusCode,
            headers: response.headers,
            chunks: () => chunksOf(http, call, response, signal),
          },
          signal,
        ),
      };
    }
    const failure = statusFailure(call.what, {
      status: response.statusCode,
      retryAfter: headerOf(response.headers, 'retry-after'),
      message: await errorMessage(response),
      now: http.now(),
    });
    if (response.statusCode === 401) return { unauthorized: failure };
    throw failure;
  } finally {
    response.body.destroy();
  }
}

/** Resolves with the headers. undici ignores the signal while a request waits for a connection, hence the race. */
async function send(http: Http, call: Call, { token, signal, isOver }: Sending): Promise<Dispatcher.ResponseData> {
  const sentAtMs = performance.now();
  const observe = (status: number | null) => http.observe({ status, durationMs: performance.now() - sentAtMs });
  const sent = request(call.url, {
    dispatcher: http.dispatcher,
    method: call.body === undefined ? 'GET' : 'POST',
    ...(call.body === undefined ? {} : { body: call.body }),
    signal,
    headers: {
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
      accept: call.accept,
      'accept-encoding': 'identity',
      authorization: `Bearer ${token}`,
      'user-agent': http.userAgent,
    },
  }).then((response) => {
    // Without a listener, a body that fails before it is read would end the process.
    response.body.on('error', () => undefined);
    return response;
  });
  try {
    const response = await orAborted(sent, signal);
    observe(response.statusCode);
    return response;
  } catch (error) {
    observe(null);
    throw toFailure(call, error, 'head', signal);
  } finally {
    isOver();
  }
}

async function* chunksOf(
  http: Http,
  call: Call,
  response: Dispatcher.ResponseData,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  if (Number(headerOf(response.headers, 'content-length')) > call.maxBytes) throw tooLarge(call);
  let bytes = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      http.received(chunk.byteLength);
      if (bytes > call.maxBytes) throw tooLarge(call);
      yield chunk;
    }
  } catch (error) {
    throw toFailure(call, error, 'body', signal);
  }
}

/**
 * We ask for identity encoding. The size of a compressed body is unknown before it is unpacked, and a cut one can look
 * whole.
 */
function checkEncoding(call: Call, response: Dispatcher.ResponseData): void {
  const encoding = headerOf(response.headers, 'content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity')
    throw vendorError('vendor_encoding_refused', `The answer for ${call.what} is encoded though that was refused.`, {
      status: 200,
    });
}

/** The `message` of the documented `{status, message}`, or `null`. Never throws: the status is what counts. */
async function errorMessage(response: Dispatcher.ResponseData): Promise<string | null> {
  let body: Uint8Array;
  try {
    body = await collect(response.body as AsyncIterable<Uint8Array>, maxErrorBodyBytes);
  } catch {
    return null;
  }
  const read = body.byteLength > maxErrorBodyBytes ? {} : readJson(body);
  if (!('value' in read) || typeof read.value !== 'object' || read.value === null) return null;
  return 'message' in read.value && typeof read.value.message === 'string' ? read.value.message : null;
}

/**
 * Reads a body into one buffer, until it has more than `maxBytes`. Chunks are copied as they arrive: a million tiny
 * chunks from a hostile server would take a hundred times the memory of their content.
 */
export async function collect(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  let held = Buffer.allocUnsafe(16 * 1_024);
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes + chunk.byteLength > held.byteLength) {
      // Doubled, but not beyond what the last chunk may need: 64 responses of the largest size may arrive at once.
      const larger = Buffer.allocUnsafe(Math.min(2 * bytes, maxBytes) + chunk.byteLength);
      held.copy(larger, 0, 0, bytes);
      held = larger;
    }
    held.set(chunk, bytes);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) break;
  }
  return held.subarray(0, bytes);
}

/** Before the headers, nothing valid was received: unreachable. After them, the body is incomplete: truncated. */
function toFailure(call: Call, error: unknown, stage: 'head' | 'body', signal: AbortSignal): unknown {
  if (error instanceof LedgerError) return error;
  if (signal.aborted) return signal.reason;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return vendorError('vendor_answer_too_large', `The headers for ${call.what} are too large.`, {}, error);
  if (stage === 'body' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    const fields = stage === 'body' ? { status: 200 } : {};
    return vendorError('vendor_answer_truncated', `The answer for ${call.what} broke off.`, fields, error);
  }
  return vendorError('vendor_unreachable', `The vendor could not be reached for ${call.what}.`, {}, error);
}

function tooLarge(call: Call): LedgerError {
  const message = `The answer for ${call.what} is larger than ${call.maxBytes} bytes.`;
  return vendorError('vendor_answer_too_large', message, { status: 200, maxBytes: call.maxBytes });
}

/** The value of a header. Repeated ones are joined, so that two different values match neither. */
export function headerOf(headers: Answer['headers'], name: string): string | null {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}
