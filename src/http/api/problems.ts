import { z } from 'zod';
import { errorTable } from '../../error-table.ts';
import type { ErrorCode } from '../../errors.ts';
import type { Problem } from '../problem.ts';
import { type JsonSchema, jsonSchema, type Operation } from './operation.ts';

const codes = Object.entries(errorTable).flatMap(([code, { http }]) => (http ? [code as ErrorCode] : []));

/** The body of an answer about an error (RFC 9457). */
const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z
    .enum(['internal', ...codes])
    .meta({ description: 'What happened. A code never changes its meaning; docs/operations.md has them all.' }),
  detail: z.string().meta({ description: 'For people. It holds no personal data.' }),
  hint: z.string().exactOptional().meta({ description: 'What to do about it.' }),
  requestId: z.string().meta({ description: 'Finds the request in the log; also in the header X-Request-Id.' }),
}) satisfies z.ZodType<Problem>;

export const problemSchema = jsonSchema(problem, 'output');

/** Answered on every route; `host_refused` only where the name of the host counts. */
const ofAll: readonly ErrorCode[] = ['request_invalid', 'internal'];
const ofMeans: Readonly<Record<Operation['means'], readonly ErrorCode[]>> = {
  none: [],
  'token in the body': ['host_refused'],
  secret: ['unauthenticated', 'host_refused'],
  bearer: ['unauthenticated', 'forbidden', 'host_refused', 'identity_provider_unavailable'],
  'bearer or session': [
    'unauthenticated',
    'forbidden',
    'host_refused',
    'identity_provider_unavailable',
    'database_unavailable',
  ],
};
const ofBody: readonly ErrorCode[] = ['media_type_refused', 'request_too_large'];

const statusOf = (code: ErrorCode): number => errorTable[code].http?.[0] ?? 500;
const titleOf = (code: ErrorCode): string => errorTable[code].http?.[1] ?? 'Something went wrong on our side';

export type ProblemAnswer = {
  readonly description: string;
  readonly codes: readonly ErrorCode[];
  /** What it has besides a problem. */
  readonly more: readonly JsonSchema[];
};

/** The answers about errors of an operation, by status. */
export function problemAnswers(operation: Operation): Record<string, ProblemAnswer> {
  const own = Object.entries(operation.problems ?? {}) as [ErrorCode, NonNullable<Operation['problems']>[ErrorCode]][];
  const all = new Set([
    ...ofAll,
    ...ofMeans[operation.means],
    ...(operation.body ? ofBody : []),
    ...own.map(([code]) => code),
  ]);
  const found = [...all].map((code) => ({ code, status: statusOf(code), with: undefined as JsonSchema | undefined }));
  for (const [code, more] of own)
    if (typeof more === 'object') {
      const status = more.status ?? statusOf(code);
      const same = found.find((one) => one.code === code && one.status === status);
      if (same) same.with = more.with;
      else found.push({ code, status, with: more.with });
    }
  const byStatus = Map.groupBy(found, ({ status }) => status);
  return Object.fromEntries(
    [...byStatus].sort(([a], [b]) => a - b).map(([status, of]) => [String(status), answerOf(of)]),
  );
}

type Found = { readonly code: ErrorCode; readonly with: JsonSchema | undefined };

const answerOf = (found: readonly Found[]): ProblemAnswer => ({
  description: [...new Set(found.map(({ code }) => titleOf(code)))].join('; '),
  codes: found.map(({ code }) => code).sort(),
  more: found.flatMap((one) => (one.with ? [one.with] : [])),
});
