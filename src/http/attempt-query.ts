import type { Place } from '../db/attempt-order.ts';
import {
  type AttemptFilter,
  type AttemptOrder,
  attemptSorts,
  filterNames,
  filterTakes,
  isFilterValue,
} from '../domain/attempt-filter.ts';
import { LedgerError } from '../errors.ts';
import { type AttemptQuery, badParameter } from '../jobs/attempts/attempt-list.ts';

const others = ['sort', 'order', 'after', 'before'] as const;
const known: readonly string[] = [...filterNames, ...others];

/**
 * The list that a query asks for. What is not understood is refused: left out, it would show more than was asked for.
 *
 * @throws LedgerError `request_invalid`, which names the parameter.
 */
export function parseAttemptQuery(query: unknown): AttemptQuery {
  const given = new Map(Object.entries(query ?? {}).map(([name, value]) => [name, value as unknown]));
  if ([...given.keys()].some((name) => !known.includes(name)))
    throw new LedgerError('request_invalid', 'There is a parameter that the list of attempts does not have.', {
      hint: `It has: ${known.join(', ')}.`,
    });
  const order = orderOf(given.get('sort'), given.get('order'));
  return { filter: filterOf(given), order, from: fromOf(given) };
}

function filterOf(given: ReadonlyMap<string, unknown>): AttemptFilter {
  const filter: Record<string, string> = {};
  for (const name of filterNames) {
    const value = given.get(name);
    if (value === undefined) continue;
    if (typeof value !== 'string' || !isFilterValue(name, value)) throw badParameter(name, filterTakes(name));
    filter[name] = value;
  }
  return filter;
}

function orderOf(sort: unknown = attemptSorts[0], order: unknown = 'ascending'): AttemptOrder {
  const by = attemptSorts.find((one) => one === sort);
  if (by === undefined) throw badParameter('sort', attemptSorts.join(', '));
  if (order !== 'ascending' && order !== 'descending') throw badParameter('order', 'ascending, descending');
  return { by, isDescending: order === 'descending' };
}

function fromOf(given: ReadonlyMap<string, unknown>): AttemptQuery['from'] {
  const [after, before] = [given.get('after'), given.get('before')];
  if (after === undefined && before === undefined) return null;
  if (after !== undefined && before !== undefined) throw badParameter('before', 'nothing beside after');
  const isBackwards = before !== undefined;
  const place = placeOf(isBackwards ? before : after);
  if (!place) throw badParameter(isBackwards ? 'before' : 'after', 'what the links to other pages have');
  return { place, isBackwards };
}

function placeOf(text: unknown): Place | undefined {
  if (typeof text !== 'string' || !/^[\w-]{1,2000}$/.test(text)) return undefined;
  try {
    const place: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(place) && place.every((cell) => typeof cell === 'string') ? place : undefined;
  } catch {
    return undefined;
  }
}

/** A place as a link has it. */
export const placeInLink = (place: Place): string => Buffer.from(JSON.stringify(place)).toString('base64url');
