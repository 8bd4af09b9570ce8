import { createHash } from 'node:crypto';
import type { RuleTable } from '../domain/classify.ts';

/**
 * The SHA-256 of a rule table's content, in hex. It does not depend on the order of keys and rules, nor on the table's
 * end, so that a table that has decided closed months may still be ended by a successor. The hash is stored with
 * decisions, so its computation must never change.
 */
export function ruleTableHash(table: RuleTable): string {
  const said = Object.entries(table).filter(([key]) => key !== 'effectiveTo');
  return createHash('sha256')
    .update(canonical(Object.fromEntries(said)))
    .digest('hex');
}

/** JSON with sorted keys and sorted lists. Every list of a rule table is a set. */
function canonical(value: unknown): string {
  // Without a function, sort compares code units; a locale's order may change.
  if (Array.isArray(value)) return `[${value.map(canonical).sort().join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`)
    .join(',')}}`;
}
