import { LedgerError, type ErrorCode, type ErrorFields } from '../errors.ts';

const defaultRetryAfterMs = 2_000;
const minRetryAfterMs = 1_000;
const maxRetryAfterMs = 15 * 60_000;
const maxMessageLength = 200;
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * What is kept of a response that is not a success. `message` is from the documented `{status, message}` body,
 * unchanged.
 */
export type Refusal = {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly message: string | null;
  readonly now: Date;
};

const hints: Partial<Record<ErrorCode, string>> = {
  vendor_unauthorized: 'Check IDSCAN_KEY_ID and IDSCAN_KEY_SECRET, and that the clock of this machine is right.',
  vendor_forbidden: 'The key is known but not allowed to do this. Ask the vendor what it may read.',
  vendor_redirect_refused: 'Redirects are never followed. Compare IDSCAN_BASE_URL with the vendor’s documentation.',
  vendor_rate_limited: 'The vendor asks for a pause: try again in a minute. If it goes on, set IDSCAN_RATE_LIMIT.',
  vendor_unreachable: 'Check IDSCAN_BASE_URL, the network, and HTTPS_PROXY and NO_PROXY.',
};

/**
 * The error for a response that is not a success.
 *
 * @param what what was requested, in words, without a URL.
 */
export function statusFailure(what: string, refusal: Refusal): LedgerError {
  const { status } = refusal;
  const code = codeOfStatus(status);
  const vendorMessage = sanitizeMessage(refusal.message);
  const retryAfterMs = retryAfter(refusal);
  const fields: ErrorFields = {
    status,
    ...(vendorMessage === '' ? {} : { vendorMessage }),
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  };
  return vendorError(code, `The vendor answered ${status} for ${what}.`, fields);
}

/** Any vendor error: message, fields, and the hint for its code. */
export function vendorError(code: ErrorCode, message: string, fields: ErrorFields = {}, cause?: unknown): LedgerError {
  const hint = hints[code];
  return new LedgerError(code, message, { fields, ...(hint === undefined ? {} : { hint }), cause: safeCause(cause) });
}

/** A 2xx other than 200 does not answer a plain GET: 206 would be a part of a file, 204 nothing. */
function codeOfStatus(status: number): ErrorCode {
  if (status < 300) return 'vendor_answer_invalid';
  if (status < 400) return 'vendor_redirect_refused';
  switch (status) {
    case 401:
      return 'vendor_unauthorized';
    case 403:
      return 'vendor_forbidden';
    case 404:
      return 'vendor_not_found';
    case 408:
    case 425:
      return 'vendor_unavailable';
    case 410:
      return 'vendor_gone';
    case 429:
      return 'vendor_rate_limited';
    default:
      return status < 500 ? 'vendor_rejected' : 'vendor_unavailable';
  }
}

/**
 * How many milliseconds to wait. Always set for 429: 2 s if the header is missing or invalid. For 503 only if the
 * header is valid.
 */
function retryAfter({ status, retryAfter: header, now }: Refusal): number | null {
  if (status !== 429 && status !== 503) return null;
  const askedMs = header === null ? null : parseRetryAfter(header, now);
  if (askedMs === null) return status === 429 ? defaultRetryAfterMs : null;
  return Math.min(Math.max(askedMs, minRetryAfterMs), maxRetryAfterMs);
}

const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const time = '\\d{2}:\\d{2}:\\d{2}';
/** The three date forms of RFC 9110. The last one has no zone and means GMT. */
const httpDate = new RegExp(
  `^[A-Z][a-z]{2}, \\d{2} (${months}) \\d{4} ${time} GMT$|^[A-Z][a-z]+, \\d{2}-(${months})-\\d{2} ${time} GMT$|` +
    `^[A-Z][a-z]{2} (${months}) [ \\d]\\d ${time} \\d{4}$`,
);

/** `Retry-After` in milliseconds from `now`, given as seconds or as an HTTP date; `null` for anything else. */
export function parseRetryAfter(header: string, now: Date): number | null {
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  if (!httpDate.test(text)) return null;
  const at = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  return Number.isNaN(at) ? null : at - now.getTime();
}

/**
 * The vendor's message, made safe for logs and tables: one line, at most 200 characters, and nothing that could be an
 * address or a token. Replaced are words with a slash, what follows `Bearer`, and runs of 20 or more token characters
 * with a digit or a capital letter, except UUIDs.
 */
export function sanitizeMessage(message: string | null): string {
  const line = (message ?? '').slice(0, 4_000).replace(/[\p{C}\p{Z}]+/gu, ' ');
  return line
    .trim()
    .replace(/\S*(?:[/\\]|%2f|%5c)\S*/gi, '[…]')
    .replace(/\bbearer \S+/gi, '[…]')
    .replace(/[\w.~+=%-]{20,}/g, (run) => (uuid.test(run) || !/[\dA-Z]/.test(run) ? run : '[…]'))
    .slice(0, maxMessageLength)
    .toWellFormed();
}

/**
 * A cause reduced to name, code, system call and message. HTTP errors carry more than they show: the unparsed rest of a body
 * (`data`), socket details, a certificate, the input of an invalid URL.
 */
function safeCause(cause: unknown): unknown {
  if (!(cause instanceof Error)) return undefined;
  const parts = cause instanceof AggregateError ? cause.errors.filter((part) => part instanceof Error) : [];
  const text = cause.message || parts.map((part) => part.message).join('; ');
  const safe = new Error(text);
  safe.name = cause.name;
  const [syscall = null, ...others] = new Set([cause, ...parts].flatMap((part) => textIn(part, 'syscall') ?? []));
  const code = textIn(cause, 'code');
  return Object.assign(
    safe,
    code === undefined ? {} : { code },
    syscall === null || others.length > 0 ? {} : { syscall },
  );
}

function textIn(error: Error, name: 'code' | 'syscall'): string | undefined {
  const value = (error as NodeJS.ErrnoException)[name];
  return typeof value === 'string' ? value : undefined;
}
