import * as z from 'zod';

/**
 * Field types of responses. Values must fit Postgres and a CSV cell, so texts are short and free of control characters
 * (U+0000 above all) and lone surrogates. All messages are fixed: none contains received text.
 */

const maxCounter = 10_000;
const rfc3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
/**
 * ID Scan is younger than this. An earlier year is a default value (`0001-01-01`) and would book an attempt where
 * nobody looks.
 */
const firstInstant = Date.UTC(2000, 0, 2); // also in the time zone that is furthest behind
/** Later instants are written differently in Postgres and ISO 8601. */
const lastInstant = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

function isStorable(text: string): boolean {
  return text.isWellFormed() && !/\p{Cc}/u.test(text);
}

/** A text that must be there. */
export function requiredText(maxLength: number) {
  return z.string().min(1).max(maxLength).refine(isStorable, 'control character or lone surrogate');
}

/** A text that may be missing, null or empty. Then it is `null`. */
export function optionalText(maxLength: number) {
  return z
    .string()
    .max(maxLength)
    .refine(isStorable, 'control character or lone surrogate')
    .nullish()
    .transform((text) => (text === '' ? null : (text ?? null)));
}

/** A file's label. `null` if it is unusable, because a bad label must not block the books. */
export function label(maxLength: number) {
  return z
    .unknown()
    .optional()
    .transform((text) =>
      typeof text === 'string' && text !== '' && text.length <= maxLength && isStorable(text) ? text : null,
    );
}

/**
 * A scan's outcome code. `null` means success (INF), so nothing else may become `null`: a missing code becomes
 * `(missing)`, an empty one `(empty)`, and no rule covers either.
 */
export const outcomeCode = z
  .string()
  .max(200)
  .refine(isStorable, 'control character or lone surrogate')
  .nullable()
  .optional()
  .transform((code) => (code === undefined ? '(missing)' : code === '' ? '(empty)' : code));

/** A whole number from 0 to 10,000; `null` if it is missing. */
export const counter = z
  .number()
  .int()
  .min(0)
  .max(maxCounter)
  .nullish()
  .transform((count) => (typeof count === 'number' ? Math.abs(count) : null)); // -0 is 0

/** `true`, `false`, or `null` if the response does not say. */
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? null);

/** An RFC 3339 date with an offset (DOC). Without an offset its month would be a guess. */
export const instant = z.string().transform((text, context) => {
  const date = toInstant(text);
  if (date !== null) return date;
  context.addIssue({ code: 'custom', message: 'invalid date' });
  return z.NEVER;
});

/** A date that may be missing or null. */
export const optionalInstant = instant.nullish().transform((date) => date ?? null);

/** A list. zod checks the length before the entries, so a million bad entries are one problem, not a million. */
export function list<Entry extends z.ZodType>(entry: Entry, maxLength: number) {
  return z.array(entry).max(maxLength);
}

/**
 * Accepts only real dates. Digits below the millisecond are cut off, so that no date is rounded into the next month.
 */
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
