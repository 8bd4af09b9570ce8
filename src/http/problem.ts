import type { FastifyReply, FastifyRequest } from 'fastify';
import { asDatabaseError } from '../db/database.ts';
import { errorPage } from './pages/error.ts';
import { isPerson, sendPage } from './pages/send.ts';
import { errorTable } from '../error-table.ts';
import { type ErrorCode, errorCode, LedgerError } from '../errors.ts';

/**
 * An error in the format of RFC 9457. `code` is stable, `detail` is for people, and `requestId` finds it in the log.
 */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint?: string;
  readonly requestId: string;
};

declare module 'fastify' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- merged with the framework's own interface
  export interface FastifyContextConfig {
    /** What people see where a request to this route fails; without it, or if it returns `undefined`, the page for errors. */
    readonly problemPage?: (request: FastifyRequest, problem: Problem) => string | undefined;
  }
}

/** How long a client is asked to wait after a failed request. */
const retryAfterSeconds = 5;

/** The HTTP status of an error, and the error as one of ours. */
export function asProblem(thrown: unknown): { readonly status: number; readonly error: LedgerError } {
  const error = fromFramework(thrown) ?? asDatabaseError(thrown);
  const { http } = errorTable[errorCode(error)];
  if (http && error instanceof LedgerError) return { status: http[0], error };
  return {
    status: 500,
    error: new LedgerError('internal', 'Something went wrong on our side.', {
      hint: 'Look for the request ID in the log.',
      cause: thrown,
    }),
  };
}

/**
 * Answers with an error, as a page if a person is looking. Our errors are logged. Mistakes of clients are counted but
 * not repeated in the log.
 */
export async function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { status, error } = asProblem(thrown);
  const { code } = error;
  request.refusal = code;
  if (status >= 500) request.log.error({ err: status === 500 ? thrown : error, code }, 'request failed');
  if (status === 503) void reply.header('retry-after', retryAfterSeconds);
  const { retryAfterSeconds: asked, retryAfterMs: vendorAsked } = error.fields;
  if (typeof asked === 'number') void reply.header('retry-after', asked);
  if (typeof vendorAsked === 'number') void reply.header('retry-after', Math.ceil(vendorAsked / 1_000));
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="idscan-ledger"');
  // The rest of a refused body is not read, so the connection cannot be reused.
  if (status === 413) void reply.header('connection', 'close');
  const problem = problemOf(status, error, request.id);
  if (isPerson(request)) {
    const own = request.routeOptions.config.problemPage?.(request, problem);
    sendPage(reply.code(status), own ?? errorPage(request.principal, problem));
  } else await reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
}

/** The body of an error response. */
export function problemOf(status: number, { code, message, hint }: LedgerError, requestId: string): Problem {
  const title = errorTable[code].http?.[1] ?? 'Something went wrong on our side';
  return {
    type: `urn:idscan-ledger:problem:${code}`,
    title,
    status,
    code,
    detail: message,
    ...(hint === undefined ? {} : { hint }),
    requestId,
  };
}

/** Errors of the framework, in fixed words, because its own messages repeat what was sent. */
function fromFramework(thrown: unknown): LedgerError | undefined {
  const { code, statusCode } = thrown as { code?: unknown; statusCode?: unknown };
  if (thrown instanceof LedgerError || typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500)
    return undefined;
  if (statusCode === 404) return new LedgerError('not_found', 'There is nothing at this address.');
  if (statusCode === 413) return new LedgerError('request_too_large', 'The body is larger than accepted here.');
  if (statusCode === 415)
    return new LedgerError('media_type_refused', 'The body is of a type that is not accepted here.', {
      hint: 'Send the Content-Type that docs/service.md names.',
    });
  const isJson = typeof code === 'string' && /JSON/.test(code);
  return new LedgerError(
    'request_invalid',
    isJson
      ? 'The body is not JSON, or has a key that is not accepted: __proto__ or constructor.'
      : 'The request is malformed.',
  );
}
