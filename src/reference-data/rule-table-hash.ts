import { createHash } from 'node:crypto';
import type { RuleTable } from '../domain/classify.ts';

/**
 * What a rule table says, as a sha256 in hex: the same for any order of keys and rules. Its end does not count, so a
 * successor may end a table that has decided closed months. Stored beside decisions: it must never come out otherwise.
 */
export function ruleTableHash(table: RuleTable): string {
  const said = Object.entries(table).filter(([key]) => key !== 'effectiveTo');
  return createHash('sha256')
    .update(canonical(Object.fromEntries(said)))
    .digest('hex');
}

/** JSON with keys in order, and lists in order too: every list of a rule table is a set. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).sort(compareUnits).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members
    .sort(([a], [b]) => compareUnits(a, b))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`)
    .join(',')}}`;
}

/** By code units: no locale has a say. */
const compareUnits = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);
