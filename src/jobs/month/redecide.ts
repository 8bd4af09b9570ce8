import type { Queries } from '../../db/database.ts';
import { decisionGroups, redecide } from '../../db/decisions.ts';
import type { Span } from '../../domain/billing-month.ts';
import { classify } from '../../domain/classify.ts';
import { boundariesWithin, inForceAt } from '../../domain/effective-dates.ts';
import type { Context } from '../context.ts';

/**
 * Compares every stored decision in a span with the rules now in force, and decides anew where they differ. Works on
 * groups of equal attempts, so memory does not grow with the number of attempts.
 *
 * @param among a query of transaction IDs that limits the work to those.
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
