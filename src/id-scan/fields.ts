import * as z from 'zod';

/**
 * The leaves of an answer. What is stored later has to fit Postgres and a CSV cell, so texts are short and free of
 * control characters (U+0000 above all) and lone surrogates. Every message is fixed: none holds what was received.
 */

const maxCounter = 10_000;
const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
/** ID Scan is younger. An earlier year is a default (`0001-01-01`) that would book an attempt where nobody looks. */
const firstInstant = Date.UTC(2000, 0, 2); // also in the time zone that is furthest behind
/** Of later ones Postgres and ISO 8601 have different spellings. */
const lastInstant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function isStorable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** A text that has to be there. */
export function requiredText(maxLength: number) {
  return z.string().min(1).max(maxLength).refine(isStorable, 'control character or lone surrogate');
}

/** A text that may be missing, null or empty: `null` then. */
export function optionalText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(isStorable, 'control character or lone surrogate')
    .nullish()
    .transform((text) => (text === '' ? null : (text ?? null)));
}

/** A file's label: `null` when unusable, for a bad label must not block the books. */
export function label(maxLength: number) {
  return z
    .unknown()
    .optional()
    .transform((text) =>
      typeof text === 'string' && text !== '' && text.length <= maxLength && isStorable(text) ? text : null,
    );
}

/**
 * A scan's outcome. `null` is success (INF), so nothing else may become `null`: a missing code is `(missing)`, an empty
 * one `(empty)`, and no rule covers either.
 */
export const outcomeCode = z
  .string()
  .max(200)
  .refine(isStorable, 'control character or lone surrogate')
  .nullable()
  .optional()
  .transform((code) => (code === undefined ? '(missing)' : code === '' ? '(empty)' : code));

/** A whole number from 0 to 1,000,000; `null` where there is none. */
export const counter = z
  .number()
  .int()
  .min(0)
  .max(maxCounter)
  .nullish()
  .transform((count) => (typeof count === 'number' ? Math.abs(count) : null)); // -0 is 0

/** `true`, `false`, or `null` where the answer does not say. */
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? null);

/** A date as RFC 3339 with an offset (DOC). Without one its month would be a guess. */
export const instant = z.string().transform((text, context) => {
  const date = toInstant(text);
  if (date !== null) return date;
  context.addIssue({ code: 'custom', message: 'invalid date' });
  return z.NEVER;
});

/** A date that may be missing or null. */
export const optionalInstant = instant.nullish().transform((date) => date ?? null);

/** A list. zod checks its length before its entries, so a million bad ones are one problem, not a million. */
export function list<Entry extends z.ZodType>(entry: Entry, maxLength: number) {
  return z.array(entry).max(maxLength);
}

/** Real dates only; digits below the millisecond are cut off, never rounded into the next month. */
function toInstant(text: string): Date | null {
  const match = rfc3339.exec(text);
  if (match === null) return null;
  const part = (index: number): number => Number(match[index] ?? 0);
  const [year, month, day, hour, minute, second] = [part(1), part(2), part(3), part(4), part(5), part(6)];
  const [offsetHours, offsetMinutes] = [part(9), part(10)];
  const isTime = hour <= 23 && minute <= 59 && second <= 59 && offsetHours <= 23 && offsetMinutes <= 59;
  if (!isTime) return null;
  const milliseconds = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second, milliseconds));
  if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== day) return null;
  const offset = (offsetHours * 60 + offsetMinutes) * 60_000;
  const instantMs = local.getTime() + (match[8] === '-' ? offset : -offset);
  return instantMs < firstInstant || instantMs > lastInstant ? null : new Date(instantMs);
}
