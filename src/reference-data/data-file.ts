import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { isCalendarDate } from '../domain/billing-month.ts';
import { LedgerError } from '../errors.ts';
import { whyUnreadable } from '../unreadable.ts';
import { type JsonPath, type JsonTree, type Located, parseJsonTree } from './json-tree.ts';

/** A data file: its exact bytes, their hash, and the content. */
export type DataFile<T> = {
  readonly path: string;
  readonly sha256: string;
  readonly bytes: Buffer;
  readonly content: T;
};

/** A mistake in a value. */
export type Problem = { readonly path: JsonPath; readonly message: string };

/** How a kind of data file is checked and converted. */
export type Format<Raw, T> = {
  readonly schema: z.ZodType<Raw>;
  /**
   * Checks values against each other. Must accept any JSON, so that its problems are reported along with the schema's.
   */
  readonly relations: (json: unknown, lineOf: JsonTree['lineOf']) => Problem[];
  readonly content: (raw: Raw) => T;
};

const maxBytes = 10_000_000;
const maxListed = 1_000;

const dateMessage = 'must be a day that exists, as "YYYY-MM-DD"';
export const calendarDate = z.string({ error: dateMessage }).refine(isCalendarDate, { error: dateMessage });
const nameMessage =
  'must be 1 to 64 letters, digits, dots, dashes or underscores, beginning with a letter or digit, in quotes';
export const versionName = z
  .string({ error: nameMessage })
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, { error: nameMessage });
export const textOf = (most: number, error = `must be a text of 1 to ${most} characters`) =>
  z.string({ error }).min(1, { error }).max(most, { error });

/**
 * Reads a file's bytes.
 *
 * @throws LedgerError `data_file_invalid` if it cannot be read or is too large.
 */
export function readBytes(path: string): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const status = fstatSync(descriptor);
    if (status.isDirectory()) throw refusal(path, ['is a directory, not a file (EISDIR)']);
    if (!status.isFile()) throw refusal(path, ['is not a regular file']);
    if (status.size > maxBytes) throw refusal(path, [tooLarge(status.size)]);
    return readFileSync(descriptor);
  } catch (cause) {
    if (cause instanceof LedgerError) throw cause;
    throw refusal(path, [`cannot be read: ${whyUnreadable(cause)}`], cause);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

const tooLarge = (bytes: number): string =>
  `is too large: ${bytes.toLocaleString('en-US')} bytes, and at most 10 MB (${maxBytes.toLocaleString('en-US')} bytes) are read`;

/**
 * Checks a JSON data file and converts it. Reports all problems together, each with its line, and then loads nothing.
 *
 * @param name what messages call the file: its path.
 * @throws LedgerError `data_file_invalid`, its message a line `file:line: place: reason` per problem.
 */
export function parseDataFile<Raw, T>(bytes: Buffer, name: string, format: Format<Raw, T>): DataFile<T> {
  if (bytes.length > maxBytes) throw refusal(name, [tooLarge(bytes.length)]);
  const tree = parseJsonTree(decoded(bytes, name));
  const parsed = format.schema.safeParse(tree.value);
  const problems = [...tree.syntaxProblems, ...contentProblems(tree, parsed.error?.issues ?? [], format.relations)];
  if (!parsed.success || problems.length > 0)
    throw refusal(
      name,
      problems.sort((a, b) => a.line - b.line),
    );
  return {
    path: name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes,
    content: format.content(parsed.data),
  };
}

/** Decodes UTF-8. A byte order mark at the beginning is skipped. */
function decoded(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const again = Buffer.from(bytes.toString('utf8'));
    const differing = bytes.findIndex((byte, index) => byte !== again[index]);
    const wrong = differing === -1 ? bytes.length - 1 : differing;
    const line = bytes
      .subarray(0, wrong)
      .toString('utf8')
      .split(/\r\n|\n|\r/).length;
    const isUtf16 = [0xfffe, 0xfeff].includes(bytes.length < 2 ? 0 : bytes.readUInt16BE(0));
    const message = `is not UTF-8 from byte ${wrong + 1} on${isUtf16 ? ', it looks like UTF-16' : ''}; save it as UTF-8`;
    throw refusal(name, [{ line, message }], cause);
  }
}

/**
 * Problems in the values. After a syntax error, only values that are present are checked, because a missing one may
 * merely be unreadable.
 */
function contentProblems(
  tree: JsonTree,
  issues: readonly z.core.$ZodIssue[],
  relations: (json: unknown, lineOf: JsonTree['lineOf']) => Problem[],
): Located[] {
  const located = ({ path, message }: Problem): Located => ({
    line: tree.lineOf(path),
    message: `${path.join('.') || 'the file'}: ${message}`,
  });
  const bySchema = issues.flatMap((issue) => problemsOf(issue, tree));
  const problems = [...bySchema, ...oddNumbers(tree, bySchema)];
  if (tree.isLegible)
    return [...problems, ...relations(tree.value, tree.lineOf)]
      .filter(({ path }) => !tree.isUnreadable(path))
      .map(located);
  return problems
    .filter(({ path }) => path.length > 0 && tree.has(path))
    .map(located)
    .filter(({ line }) => !tree.isBroken(line));
}

function problemsOf(issue: z.core.$ZodIssue, tree: JsonTree): Problem[] {
  const path = issue.path.filter((step) => typeof step !== 'symbol');
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({ path: [...path, key], message: 'there is no such key in this format' }));
  if (!tree.has(path)) return [{ path, message: `is missing: ${issue.message}` }];
  const written = tree.written(path);
  const shown = written === undefined || written.length > 60 ? '' : `, not ${written}`;
  return [{ path, message: `${issue.message}${shown}` }];
}

/**
 * Numbers such as `1e3`, `1000.0`, or one that a float rounds to a whole number. A quantity must be written in digits
 * only.
 */
function oddNumbers(tree: JsonTree, known: readonly Problem[]): Problem[] {
  const isKnown = new Set(known.map(({ path }) => path.join('\n')));
  const found: Problem[] = [];
  const visit = (value: unknown, path: JsonPath): void => {
    if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value))
        visit(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    else if (typeof value === 'number' && !/^\d+$/.test(tree.written(path) ?? '') && !isKnown.has(path.join('\n')))
      found.push({ path, message: `must be written in digits alone, not ${tree.written(path) ?? ''}` });
  };
  visit(tree.value, []);
  return found;
}

/** The error for a file, with a line per problem. */
function refusal(path: string, problems: readonly (Located | string)[], cause?: unknown): LedgerError {
  const lines = problems
    .slice(0, maxListed)
    .map((one) => (typeof one === 'string' ? `${path}: ${one}` : `${path}:${one.line}: ${one.message}`));
  if (problems.length > maxListed) lines.push(`${path}: and ${problems.length - maxListed} more problems`);
  return new LedgerError('data_file_invalid', lines.join('\n'), {
    fields: { path, problems: problems.length },
    hint: 'Nothing was loaded. Correct what is listed, and run the command again.',
    cause,
  });
}
