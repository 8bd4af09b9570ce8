import type { Queries } from '../../db/database.ts';
import { decisionGroups, redecide } from '../../db/decisions.ts';
import type { Span } from '../../domain/billing-month.ts';
import { classify } from '../../domain/classify.ts';
import { boundariesWithin, inForceAt } from '../../domain/effective-dates.ts';
import type { Context } from '../context.ts';

/**
 * Holds every stored decision about the attempts of a span against the rules now in force and decides anew what
 * differs. Works on groups of like attempts, so its cost does not grow with the number of attempts read into memory.
 *
 * @param among a query of transaction IDs, to look at those alone.
 * @returns how many attempts changed.
 */
export async function redecideSpan(
  { rules, config }: Context,
  queries: Queries,
  span: Span,
  among?: string,
): Promise<number> {
  const { billingTimeZone: timeZone } = config;
  const starts = [span.start, ...boundariesWithin(rules.content, span.start, span.end, timeZone)];
  let changed = 0;
  for (const [index, start] of starts.entries()) {
    const table = inForceAt(rules.content, start, timeZone);
    for (const group of await decisionGroups(queries, { start, end: starts[index + 1] ?? span.end }, among)) {
      const decision = classify(group, table);
      const isSame =
        decision.invoiced === group.invoiced &&
        decision.reason === group.reason &&
        decision.ruleTableVersion === group.ruleTableVersion;
      if (!isSame) changed += await redecide(queries, group, decision, among);
    }
  }
  return changed;
}
