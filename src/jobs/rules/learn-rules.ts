import {
  type CounterObservation,
  counterObservations,
  type CounterUse,
  counterUse,
} from '../../db/counter-observations.ts';
import type { Queries } from '../../db/database.ts';
import { localDateOf, type Span } from '../../domain/billing-month.ts';
import type { RuleTable } from '../../domain/classify.ts';
import { boundariesWithin, inForceAt } from '../../domain/effective-dates.ts';
import { type Comparison, compareWithTable } from '../../domain/rule-learning/compare.ts';
import { learn, learnChange, mayHaveChanged } from '../../domain/rule-learning/learn.ts';
import type { Observation } from '../../domain/rule-learning/observations.ts';
import { proposedTables } from '../../domain/rule-learning/propose.ts';
import type { Context } from '../context.ts';
import { withReportSnapshot } from '../reading.ts';

/** What was learned about the days of one rule table. */
export type LearnedStretch = Comparison & {
  /** The first and the last day. */
  readonly firstDay: string;
  readonly lastDay: string;
  /** `undefined` = none is in force. */
  readonly table: RuleTable | undefined;
  readonly use: CounterUse;
  /** Whether tasks were left out because there are too many different ones. */
  readonly isPartial: boolean;
};

export type LearnedRules = {
  readonly timeZone: string;
  readonly stretches: readonly LearnedStretch[];
  /** `undefined` = there is nothing to propose. */
  readonly proposal: readonly RuleTable[] | undefined;
};

/** Different tasks at most. Those that occur most often are taken. */
const observationsAtMost = 20_000;

/**
 * Learns from the vendor's counters which codes it charges, and holds that against the rule table. Changes nothing.
 *
 * @throws LedgerError `database_unavailable`, `replica_behind`
 */
export async function learnRules(context: Context, span: Span): Promise<LearnedRules> {
  const { rules, config } = context;
  const { billingTimeZone: timeZone } = config;
  const starts = [span.start, ...boundariesWithin(rules.content, span.start, span.end, timeZone)];
  const stretches = await withReportSnapshot(context, async ({ queries }) => {
    const learned: LearnedStretch[] = [];
    for (const [index, start] of starts.entries())
      learned.push(await learnStretch(queries, { start, end: starts[index + 1] ?? span.end }, rules.content, timeZone));
    return learned;
  });
  const days = `${stretches[0]?.firstDay ?? ''} to ${stretches.at(-1)?.lastDay ?? ''}`;
  return {
    timeZone,
    stretches,
    proposal: proposedTables(
      rules.content,
      stretches.flatMap(({ table, firstDay, ...comparison }) => (table ? [{ table, comparison, firstDay }] : [])),
      `Where it differs from that: learned from the vendor's counters of ${days}.`,
    ),
  };
}

async function learnStretch(
  queries: Queries,
  span: Span,
  tables: readonly RuleTable[],
  timeZone: string,
): Promise<LearnedStretch> {
  const table = inForceAt(tables, span.start, timeZone);
  const observe = async (byDay: boolean) =>
    (await counterObservations(queries, span, { byDay: byDay ? timeZone : null, limit: observationsAtMost + 1 })).map(
      (row) => observation(row, timeZone),
    );
  const whole = await observe(false);
  const byDay = mayHaveChanged(used(whole)) ? await observe(true) : [];
  const changed = learnChange(used(byDay));
  const observed = changed ? byDay : whole;
  const learned = changed ?? learn(used(whole));
  return {
    ...compareWithTable(learned, used(observed), table),
    firstDay: localDateOf(span.start, timeZone),
    lastDay: localDateOf(new Date(span.end.getTime() - 1), timeZone),
    table,
    use: await counterUse(queries, span),
    isPartial: observed.length > observationsAtMost,
  };
}

const used = (all: readonly Observation[]): Observation[] => all.slice(0, observationsAtMost);

const observation = ({ taskType, level, scans, ...row }: CounterObservation, timeZone: string): Observation => ({
  ...row,
  scans: scans.map(([code, linked, captureSource]) => ({ taskType, level, code, linked, captureSource })),
  firstDay: localDateOf(row.firstAt, timeZone),
  lastDay: localDateOf(row.lastAt, timeZone),
});
