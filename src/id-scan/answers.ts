import * as z from 'zod';
import type { FileLink, ResultFacts, ScanFacts, TaskFacts, TransactionFacts } from '../domain/facts.ts';
import {
  counter,
  flag,
  instant,
  label,
  list,
  optionalInstant,
  optionalText,
  outcomeCode,
  requiredText,
} from './fields.ts';

/**
 * The vendor's responses, reduced to facts. The schemas are an allow-list: fields that they do not name are dropped by
 * parsing, above all `result[]`, the data of the identified person. Unknown fields, states, codes and task types are
 * tolerated; an invalid number or time is not.
 */
export type Reading<Facts> =
  | { readonly facts: Facts }
  | { readonly problem: 'invalid' | 'mismatch'; readonly reason: string };

const maxTasks = 100;
const maxScans = 10_000;
const maxFiles = 1_000;
const namedProblems = 5;
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

const id = requiredText(128);

const fileLink = z
  .object({ category: label(100), type: label(100), name: label(300), url: z.string().nullish() })
  .transform(({ category, type, name, url }): FileLink => ({ category, type, name, url: url ?? null }));

/** Null or missing files mean none. Which of the two the vendor sends after expiry is UNKNOWN. */
const files = list(fileLink, maxFiles)
  .nullish()
  .transform((links): FileLink[] => links ?? []);

const scan = z
  .object({ created: instant, code: outcomeCode, source: optionalText(100), linked: flag, files })
  .transform(({ created, ...rest }): ScanFacts => ({ createdAt: created, ...rest }));

/** Sorted by time. Entries of the same millisecond keep their order. */
const scans = list(scan, maxScans)
  .nullish()
  .transform((entries) => entries?.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime()) ?? null);

const task = z
  .object({
    type: requiredText(100),
    state: optionalText(100),
    level: optionalText(100),
    attempts: counter,
    attemptsInvoiced: counter,
    documentScans: scans,
  })
  .transform(({ documentScans, ...rest }): TaskFacts => ({ ...rest, scans: documentScans }));

const transaction = z.object({
  id,
  state: requiredText(100),
  created: instant,
  expires: optionalInstant,
  completed: optionalInstant,
  tasks: list(task, maxTasks).superRefine((tasks, context) => {
    tasks.forEach(({ type }, index) => {
      if (tasks.findIndex((other) => other.type === type) !== index)
        context.addIssue({ code: 'custom', path: [index, 'type'], message: 'a task type twice' });
    });
  }),
});

const result = z.object({
  id: id.nullish(),
  tasks: list(z.object({ type: requiredText(100), state: optionalText(100), attempts: counter, files }), maxTasks),
});

/**
 * Reads a transaction's details.
 *
 * The ID must be the requested one (the case of UUIDs does not matter). The requested ID is returned, so that all rows
 * have one spelling. Two tasks of one type are refused: the documented task sets have one of each, and the key of an
 * attempt relies on that.
 */
export function readTransaction(json: unknown, transactionId: string): Reading<TransactionFacts> {
  const parsed = transaction.safeParse(json);
  if (!parsed.success) return { problem: 'invalid', reason: describe(parsed.error) };
  const { id: answeredId, state, created, expires, completed, tasks } = parsed.data;
  if (!isSameId(answeredId, transactionId)) return { problem: 'mismatch', reason: 'id: not the one asked for' };
  return { facts: { transactionId, state, createdAt: created, expiresAt: expires, completedAt: completed, tasks } };
}

/**
 * Reads the result of a completed transaction. If it has an `id`, this must be the transaction's, as in the documented
 * example, or the result's own (INF). Any other `id` means that it is a different result.
 */
export function readResult(json: unknown, transactionId: string, resultId: string): Reading<ResultFacts> {
  const parsed = result.safeParse(json);
  if (!parsed.success) return { problem: 'invalid', reason: describe(parsed.error) };
  const { id: answeredId, tasks } = parsed.data;
  const isAsked = !answeredId || isSameId(answeredId, transactionId) || isSameId(answeredId, resultId);
  if (!isAsked) return { problem: 'mismatch', reason: 'id: not the one asked for' };
  return { facts: { tasks } };
}

function isSameId(a: string, b: string): boolean {
  return a === b || (uuid.test(a) && a.toLowerCase() === b.toLowerCase());
}

const problems: Readonly<Record<string, string>> = {
  invalid_type: 'wrong type or missing',
  too_big: 'too long or too large',
  too_small: 'too short or too small',
};

/**
 * Describes errors by paths and fixed words, e.g. `tasks.0.created: invalid date`. Paths contain only names from the
 * schemas, and indexes.
 */
function describe(error: z.ZodError): string {
  const lines = error.issues.slice(0, namedProblems).map((issue) => {
    const what = issue.code === 'custom' ? issue.message : (problems[issue.code] ?? issue.code);
    return `${issue.path.join('.') || 'answer'}: ${what}`;
  });
  const more = error.issues.length - lines.length;
  return lines.join('; ') + (more > 0 ? `; and ${more} more` : '');
}
