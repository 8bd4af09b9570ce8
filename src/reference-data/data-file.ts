import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isCalendarDate } from '../domain/billing-month.ts';
import { LedgerError } from '../errors.ts';
import { hasDuplicateKey } from '../json.ts';

/** A data file with the hash that names its exact bytes. */
export type DataFile<T> = { readonly path: string; readonly sha256: string; readonly content: T };

export const calendarDate = z.string().refine(isCalendarDate, 'must be a day that exists, as YYYY-MM-DD');
export const versionName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1 to 64 letters, digits, dots, dashes or underscores');

/**
 * Reads and checks a JSON data file. `check` may report problems of its own, and `checkLoosely` those that can be seen
 * in a file that is malformed elsewhere; all problems are reported together and
 * nothing is loaded if there is one.
 *
 * @throws LedgerError `data_file_invalid` with every problem, each with its place in the file.
 */
export function readDataFile<Raw, T>(
  path: string,
  schema: z.ZodType<Raw>,
  check: (raw: Raw) => { content: T; problems: string[] },
  checkLoosely: (json: unknown) => string[] = () => [],
): DataFile<T> {
  const refuse = (problems: string[], cause?: unknown): LedgerError =>
    new LedgerError('data_file_invalid', `${path}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`, {
      fields: { path, problems: problems.length },
      hint: 'Nothing of this file was loaded. Correct it and run the command again.',
      cause,
    });
  let bytes: Buffer;
  let json: unknown;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw refuse([`cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`], cause);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    json = JSON.parse(text);
    if (hasDuplicateKey(text))
      throw new Error('the same key stands twice in one object, and only one of them can be meant');
  } catch (cause) {
    throw refuse([`is not JSON in UTF-8: ${(cause as Error).message}`], cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success)
    throw refuse([
      ...parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`),
      ...checkLoosely(json),
    ]);
  const { content, problems } = check(parsed.data);
  if (problems.length > 0) throw refuse(problems);
  return { path, sha256: createHash('sha256').update(bytes).digest('hex'), content };
}
