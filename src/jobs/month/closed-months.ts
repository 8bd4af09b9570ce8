import type { Queries } from '../../db/database.ts';
import { hasLateChanges, lateTransactions, noteUnpricedBookings } from '../../db/late-changes.ts';
import { noteRulesBelowHorizon, type PeriodClose, rulesBelowHorizon } from '../../db/period-closes.ts';
import { changedVersions, keepFile, noteUse, type ReferenceVersion } from '../../db/reference.ts';
import { firstAttemptAt } from '../../db/report-rows.ts';
import { monthBounds, nextPeriod, spanText, startOfDay } from '../../domain/billing-month.ts';
import type { RuleTable } from '../../domain/classify.ts';
import { LedgerError } from '../../errors.ts';
import { ruleTableHash } from '../../reference-data/rule-table-hash.ts';
import type { Context } from '../context.ts';
import type { References } from './references.ts';
import { redecideSpan } from './redecide.ts';

/**
 * The versions in use, with hashes of their content. @param end leaves out rules that come into force at or after it.
 */
export function versionsInUse({ rules, prices }: References, timeZone: string, end?: Date): ReferenceVersion[] {
  const isUsed = ({ effectiveFrom }: RuleTable) => !end || startOfDay(effectiveFrom, timeZone) < end;
  return [
    ...rules.content.filter(isUsed).map((table) => ({
      kind: 'rule_table' as const,
      version: table.version,
      sha256: ruleTableHash(table),
    })),
    ...(prices ? [{ kind: 'price_list' as const, version: prices.content.version, sha256: prices.sha256 }] : []),
  ];
}

/** Keeps the rules and prices in use, and records since when they are used. Reports of an earlier state need this. */
export async function noteUses(context: Context): Promise<void> {
  const { prices, db } = context;
  await noteRules(context);
  if (prices) await keepFile(db.kysely, 'prices', prices.sha256, prices.bytes);
  await noteUse(db.kysely, 'prices', prices?.sha256 ?? null);
}

/** The same for the rules alone. Everything that decides by the rules calls it. */
export async function noteRules({ rules, db }: Context): Promise<void> {
  await keepFile(db.kysely, 'rules', rules.sha256, rules.bytes);
  await noteUse(db.kysely, 'rules', rules.sha256);
}

/**
 * Checks that closed months still have the bounds that they were closed with. Comparing the names of zones would not
 * do: an alias has the same bounds, and new data for the same zone can move them.
 *
 * @throws LedgerError `billing_time_zone_changed`
 */
function expectSameBounds(closes: readonly PeriodClose[], timeZone: string): void {
  for (const close of closes) {
    const now = monthBounds(close.period, timeZone);
    if (now.start.getTime() === close.start.getTime() && now.end.getTime() === close.end.getTime()) continue;
    throw new LedgerError(
      'billing_time_zone_changed',
      `${close.period} was closed as ${spanText(close)} (${close.timeZone}). In ${timeZone} it is ${spanText(now)}.`,
      {
        hint:
          close.timeZone === timeZone
            ? 'Months would overlap or leave a gap: the time zone data of Node changed. Run the version of Node that the month was closed with, or set BILLING_TIME_ZONE to a zone with the old bounds.'
            : `Months would overlap or leave a gap. Set BILLING_TIME_ZONE=${close.timeZone}.`,
      },
    );
  }
}

/**
 * Checks that what closed months depend on still holds: their bounds in the billing time zone, the currency, and the
 * content of every version they used.
 *
 * @throws LedgerError `billing_time_zone_changed`, `currency_changed`, `reference_changed`
 */
export async function checkBooks(context: Context, queries: Queries, closes: readonly PeriodClose[]): Promise<void> {
  expectSameBounds(closes, context.config.billingTimeZone);
  const currency = context.prices?.content.currency ?? null;
  const priced = closes.find((close) => close.currency !== null && close.currency !== currency);
  if (priced)
    throw new LedgerError(
      'currency_changed',
      `${priced.period} was closed in ${priced.currency ?? ''}, ${currency === null ? 'and now there is no price list' : `the price list is in ${currency}`}.`,
      {
        hint:
          currency === null
            ? 'Set PRICES_FILE: corrections of closed months have amounts.'
            : 'Corrections of closed months would be in another currency than the month they are booked in. Keep one currency per database.',
      },
    );
  const changed = await changedVersions(queries, versionsInUse(context, context.config.billingTimeZone));
  if (changed.length === 0) return;
  const names = changed.map(({ kind, version }) => `${kind === 'price_list' ? 'price list' : 'rule table'} ${version}`);
  throw new LedgerError(
    'reference_changed',
    `Closed months used ${names.join(' and ')} with other content than the file has now.`,
    { hint: 'Restore that content, and give what is new a version name of its own.' },
  );
}

/**
 * Refuses a month that was never closed itself but is followed by a closed one. It has no report: its lines are booked
 * as corrections.
 *
 * @throws LedgerError `period_out_of_order`
 */
export function expectNotPassedOver(closes: readonly PeriodClose[], period: string): void {
  const last = closes.at(-1);
  if (!last || period >= last.period) return;
  throw new LedgerError(
    'period_out_of_order',
    `${period} lies before ${last.period}, which is closed, and was never closed itself.`,
    { fields: { period }, hint: 'What belongs to it is booked as corrections in the month that was open then.' },
  );
}

/**
 * If the rules changed since closed months were last decided, decides them anew. If the price list changed, reviews
 * what was booked without a price. Frozen lines stay; differences are corrected in the month that follows the closed
 * ones.
 *
 * @param period the month that is being written. Only the month that gets the corrections needs the new decisions.
 */
export async function reviewClosedMonths(
  context: Context,
  queries: Queries,
  closes: readonly PeriodClose[],
  period: string,
): Promise<void> {
  const last = closes.at(-1);
  if (!last) return;
  // Done for any month: the price list counts as used from now on, also in an earlier state of the month with
  // corrections.
  if (context.prices && context.prices.sha256 !== last.pricesSha256) await noteUnpricedBookings(queries);
  if (nextPeriod(last.period) !== period) return;
  const first = await firstAttemptAt(queries);
  if (!first || first >= last.end) return;
  const span = { start: first, end: last.end };
  if ((await rulesBelowHorizon(queries)) === context.rules.sha256) {
    // Late changes may have been decided by a worker that still had other rules.
    if (await hasLateChanges(queries, null)) await redecideSpan(context, queries, span, lateTransactions(null));
    return;
  }
  await redecideSpan(context, queries, span);
  await noteRulesBelowHorizon(queries, context.rules.sha256);
}
