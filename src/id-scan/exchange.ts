import { request, type Dispatcher } from 'undici';
import { LedgerError } from '../errors.ts';
import { noteReceived } from './body-buffers.ts';
import { orAborted, withBudget } from './deadline.ts';
import { statusFailure, vendorError } from './failures.ts';
import { readJson } from '../json.ts';
import { traced, type Tracing } from '../tracing/trace.ts';
import type { TokenSource } from './tokens.ts';

/** One HTTP request, for whoever counts and measures: `status` is `null` where no answer began. */
export type ObservedRequest = { readonly status: number | null; readonly durationMs: number };

/** What all calls share. */
export type Http = {
  readonly dispatcher: Dispatcher;
  readonly tokens: TokenSource;
  readonly now: () => Date;
  /** Awaited before every HTTP request, the repeat after a 401 included; the wait is not part of the deadline. */
  readonly beforeRequest: () => Promise<void>;
  readonly afterAnswer: () => void;
  readonly observe: (request: ObservedRequest) => void;
  readonly open: Tracing['open'];
  readonly userAgent: string;
  /** Aborts with the error that calls under way are to end with. */
  readonly closing: AbortSignal;
};

/** One call: `what` is asked for in words (never a URL), with one deadline over all it takes and a size limit. */
export type Call = {
  readonly what: string;
  /** What kind of thing that is: one word, without its ID. */
  readonly operation: 'transaction' | 'result' | 'file' | 'audit_report' | 'webhook';
  readonly url: URL;
  readonly accept: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
  /** Sent as JSON by POST; without it the call is a GET. */
  readonly body?: string;
  /** Statuses that are success; 200 alone unless told. */
  readonly successes?: readonly number[];
};

export type Answer = {
  readonly status: number;
  readonly headers: Dispatcher.ResponseData['headers'];
  /** The body, chunk by chunk, pulled no faster than it is read; ends with an error where the body is not whole. */
  readonly chunks: () => AsyncGenerator<Uint8Array, void>;
};

type Attempt<Value> = { readonly value: Value } | { readonly unauthorized: LedgerError };

const maxErrorBodyBytes = 64 * 1_024;

/**
 * One call, answered with success and used by `use`, or an error of the family `vendor_…`. A 401 is answered with a new token
 * once; nothing else is ever repeated. No redirect is followed. Errors of `beforeRequest` and `use` pass through.
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
    await orAborted(http.beforeRequest(), http.closing);
    token = await nextToken();
    return withBudget(budget, http.closing, expired, (signal) =>
      traced(http, [`vendor ${call.operation}`, 'client', {}], () => ask(http, call, token, signal, use)),
    );
  };
  const first = await attempt(() => http.tokens.current());
  if ('value' in first) return first.value;
  const second = await attempt(() => http.tokens.renew(token));
  if ('value' in second) return second.value;
  throw second.unauthorized;
}

async function ask<Value>(
  http: Http,
  call: Call,
  token: string,
  signal: AbortSignal,
  use: (answer: Answer, signal: AbortSignal) => Promise<Value>,
): Promise<Attempt<Value>> {
  const response = await send(http, call, token, signal);
  try {
    if ((call.successes ?? [200]).includes(response.statusCode)) {
      checkEncoding(call, response);
      return {
        value: await use(
          { status: response.statusCode, headers: response.headers, chunks: () => chunksOf(call, response, signal) },
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

/** Until the headers are there. undici does not notice the signal while a request waits for a connection: the race does. */
async function send(http: Http, call: Call, token: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
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
    // Without a listener, a body that breaks before it is read would end the process.
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
    http.afterAnswer();
  }
}

async function* chunksOf(
  call: Call,
  response: Dispatcher.ResponseData,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void> {
  if (Number(headerOf(response.headers, 'content-length')) > call.maxBytes) throw tooLarge(call);
  let bytes = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      noteReceived(chunk.byteLength);
      if (bytes > call.maxBytes) throw tooLarge(call);
      yield chunk;
    }
  } catch (error) {
    throw toFailure(call, error, 'body', signal);
  }
}

/** We ask for identity. A compressed body's size is unknown before it is unpacked, and a cut one can pass as whole. */
function checkEncoding(call: Call, response: Dispatcher.ResponseData): void {
  const encoding = headerOf(response.headers, 'content-encoding')?.trim().toLowerCase() ?? '';
  if (encoding !== '' && encoding !== 'identity')
    throw vendorError('vendor_encoding_refused', `The answer for ${call.what} is encoded though that was refused.`, {
      status: 200,
    });
}

/** The documented `{status, message}`, or `null`: whatever goes wrong here, the status is what counts. */
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
 * All bytes of a body in one piece, read on until there are more than `maxBytes`. Copied as they come: the million tiny
 * chunks that a hostile server can send would weigh a hundred times their content.
 */
export async function collect(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  let held = Buffer.allocUnsafe(16 * 1_024);
  let bytes = 0;
  for await (const chunk of body) {
    if (bytes + chunk.byteLength > held.byteLength) {
      // Twice as much, but never more than the last chunk may need: 64 answers of the largest size may come at once.
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

/** Before the headers nothing was answered, or not in HTTP: unreachable. After them the body is not whole: truncated. */
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

/** A header's value; of a repeated one all values, so that two that differ read as neither. */
export function headerOf(headers: Answer['headers'], name: string): string | null {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}
