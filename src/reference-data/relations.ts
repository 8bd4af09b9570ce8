import { z } from 'zod';
import type { DateProblem, Effective } from '../domain/effective-dates.ts';
import { calendarDate, type Problem } from './data-file.ts';
import type { JsonPath, JsonTree } from './json-tree.ts';

/** An entry of a list in a data file, and its path. */
export type Placed<T> = T & { readonly path: JsonPath };

/** The entries of a list that have the given shape, whatever else is wrong in the file. */
export function entriesOf<T extends object>(json: unknown, key: string, shape: z.ZodType<T>): Placed<T>[] {
  return listOf(json, key).flatMap((entry, index) => {
    const { data } = shape.safeParse(entry);
    return data ? [{ ...data, path: [key, index] }] : [];
  });
}

/** A list in an object; empty = there is none. */
export function listOf(json: unknown, key: string): readonly unknown[] {
  const value = memberOf(json, key);
  return Array.isArray(value) ? value : [];
}

/** A member of an object; `undefined` = there is none. */
export const memberOf = (json: unknown, key: string): unknown =>
  typeof json === 'object' && json !== null && Object.hasOwn(json, key)
    ? (json as Record<string, unknown>)[key]
    : undefined;

export const dates = z
  .object({ effective_from: calendarDate, effective_to: calendarDate.nullable() })
  .transform(({ effective_from, effective_to }): Effective => ({
    effectiveFrom: effective_from,
    effectiveTo: effective_to,
  }));

/**
 * Converts problems with dates, adding the lines of the entries.
 *
 * @param mayHaveMore whether an unreadable entry may fill the gap before this one. Such gaps are not reported.
 */
export function placedDateProblems<T>(
  problems: readonly DateProblem<Placed<T>>[],
  lineOf: JsonTree['lineOf'],
  mayHaveMore: (entry: Placed<T>) => boolean,
): Problem[] {
  return problems
    .filter(({ kind, entry }) => kind !== 'gap' || !mayHaveMore(entry))
    .map(({ entry, previous, message }) => ({
      path: entry.path,
      message: previous
        ? `${message} (entries on lines ${[previous, entry]
            .map(({ path }) => lineOf(path))
            .sort((a, b) => a - b)
            .join(' and ')})`
        : message,
    }));
}
