import {
  type Blocker,
  type BlockerCounts,
  type BlockerKind,
  blockerKinds,
  type BlockerScope,
  countBlockers,
  noBlockers,
} from '../../db/blockers.ts';
import type { Queries } from '../../db/database.ts';
import { type PeriodClose, periodCloses } from '../../db/period-closes.ts';
import { attemptsBefore } from '../../db/report-rows.ts';
import { withSnapshot } from '../../db/snapshot.ts';
import { monthBounds, nextPeriod, periodOf } from '../../domain/billing-month.ts';
import { counted } from '../../domain/wording.ts';
import { type ErrorCode, LedgerError } from '../../errors.ts';
import { checkBooks } from './closed-months.ts';
import type { Context } from '../context.ts';
import { type Month, openMonth } from './month.ts';

/** The codes of refusals, which no force passes. */
export const refusalCodes = [
  'period_not_ended',
  'period_closed',
  'period_out_of_order',
  'billing_time_zone_changed',
  'currency_changed',
  'reference_changed',
] as const satisfies readonly ErrorCode[];
type RefusalCode = (typeof refusalCodes)[number];

/** Everything that stands between a month and its close. */
export type Obstacles = {
  /** No force passes these. A close throws the first. */
  readonly refusals: readonly LedgerError[];
  readonly counts: BlockerCounts;
  /** Where the blockers are. `null` = the month can never be closed, so no blockers are looked for. */
  readonly scope: BlockerScope | null;
};

type ObstacleOptions = { readonly begins?: boolean; readonly month?: Month; readonly registeredUntil?: Date | null };

/** One line of the list that people see. It is the same on the command line and on pages. */
export type Obstacle = {
  readonly code: RefusalCode | BlockerKind;
  readonly count: number;
  readonly what: string;
  readonly remedy: string;
  /** The month that must be closed first. */
  readonly closeFirst: string | null;
};

/**
 * Finds everything that stands between a month and its close. The close, its command and the month's page all use this.
 *
 * @param begins whether the books are to begin with this month, whatever lies before it.
 * @param month the month itself, if it is open already.
 * @param registeredUntil leaves out IDs that were registered later.
 */
export async function obstaclesTo(
  context: Context,
  queries: Queries,
  period: string,
  closes: readonly PeriodClose[],
  { begins = false, month, registeredUntil = null }: ObstacleOptions = {},
): Promise<Obstacles> {
  const refusals = await refusalsOf(context, queries, period, closes, begins);
  const last = closes.at(-1);
  if (last && period <= last.period) return { refusals, counts: noBlockers, scope: null };
  const { span, sql } = month ?? (await openMonth(context, queries, period, closes));
  const scope = { month: span, lines: sql.lines, hasPrices: context.prices !== undefined, registeredUntil };
  return { refusals, counts: await countBlockers(queries, scope), scope };
}

/** The same, read in one snapshot. */
export function readObstacles(
  context: Context,
  period: string,
  options: { begins?: boolean } = {},
): Promise<Obstacles> {
  return withSnapshot(context.db, async ({ queries }) =>
    obstaclesTo(context, queries, period, await periodCloses(queries), options),
  );
}

export const hasBlockers = ({ counts }: Pick<Obstacles, 'counts'>): boolean =>
  blockerKinds.some((kind) => counts[kind] > 0);

/** What no force passes, in the order in which to clear it. */
export async function refusalsOf(
  context: Context,
  queries: Queries,
  period: string,
  closes: readonly PeriodClose[],
  begins: boolean,
): Promise<LedgerError[]> {
  const found = orderRefusals(context, period, closes);
  if (!closes[0] && !begins) found.push(...(await beginningRefusal(context, queries, period)));
  try {
    await checkBooks(context, queries, closes);
  } catch (error) {
    if (!(error instanceof LedgerError) || !(refusalCodes as readonly ErrorCode[]).includes(error.code)) throw error;
    found.push(error);
  }
  return found;
}

/** A month is closed only after it has ended, only once, and in order without gaps. */
function orderRefusals({ config, now }: Context, period: string, closes: readonly PeriodClose[]): LedgerError[] {
  const { billingTimeZone: timeZone } = config;
  const { end } = monthBounds(period, timeZone);
  const refusal = (code: RefusalCode, what: string, hint: string, closeFirst: string | null = null) =>
    new LedgerError(code, what, { fields: { period, closeFirst }, hint });
  const found: LedgerError[] = [];
  if (now() < end)
    found.push(
      refusal(
        'period_not_ended',
        `${period} has not ended: it ends on ${end.toISOString()} (${timeZone}).`,
        'Close it then.',
      ),
    );
  const own = closes.find((close) => close.period === period);
  const last = closes.at(-1);
  if (own)
    found.push(
      refusal(
        'period_closed',
        `${period} was already closed on ${own.closedAt.toISOString()} by ${own.closedBy}.`,
        `What arrived since then is in the corrections of the next open month. To write its files again: idscan-ledger report ${period}`,
      ),
    );
  else if (last && period < last.period)
    found.push(
      refusal(
        'period_out_of_order',
        `${period} lies before ${last.period}, which is closed.`,
        'What belongs to it is booked as corrections in the next open month.',
      ),
    );
  else if (last && nextPeriod(last.period) !== period)
    found.push(
      refusal(
        'period_out_of_order',
        `${period} cannot be closed before ${nextPeriod(last.period)}, which follows ${last.period}.`,
        `Close ${nextPeriod(last.period)} first, also if nothing happened in it: corrections are booked there.`,
        nextPeriod(last.period),
      ),
    );
  return found;
}

/** Refuses to close a first month that has attempts before it: they would have no month of their own. */
async function beginningRefusal({ config }: Context, queries: Queries, period: string): Promise<LedgerError[]> {
  const { billingTimeZone: timeZone } = config;
  const { start } = monthBounds(period, timeZone);
  const { first, attempts } = await attemptsBefore(queries, start);
  if (!first) return [];
  const closeFirst = periodOf(first, timeZone);
  return [
    new LedgerError(
      'period_out_of_order',
      `${period} cannot be closed before ${closeFirst}, which is open: ${counted(attempts, 'attempt lies', 'attempts lie')} before ${start.toISOString()}.`,
      {
        fields: { period, attempts, closeFirst },
        hint: `Close ${closeFirst} first, then the months behind it in order. If the books are to begin with ${period}, close it with --begin-books --reason: what lies before it is charged in full as corrections in the month behind it.`,
      },
    ),
  ];
}

const blockerTexts: Readonly<Record<BlockerKind, readonly [what: string, remedy: string]>> = {
  unsettled: [
    'Something about the transaction can still change.',
    'Let the workers run: it is final at the latest when it is past its expiry.',
  ],
  failed: [
    'Fetching the transaction was given up.',
    'Have it fetched again with reprocess. An ID that the vendor never knew (vendor_not_found) is withdrawn. One that it answers with 410 or 403 whenever it is asked (vendor_gone, vendor_forbidden) may be invoiced: ask the vendor, and close with --force and what it said as the --reason.',
  ],
  unclassified: [
    'No rule says whether the attempt is invoiced.',
    'Ask the vendor, and complete the rule table (RULES_FILE).',
  ],
  unpriced: [
    'The attempt is invoiced, and the price list has no price for it.',
    'Complete the price list (PRICES_FILE).',
  ],
  gone: ['The attempt was known or booked, and somebody removed it from the tables.', 'Restore it from a backup.'],
};

/** The list for people: refusals first, then each kind of blocker with its count. */
export function obstacleList({ refusals, counts }: Obstacles): Obstacle[] {
  return [
    ...refusals.map(({ code, message, hint, fields }): Obstacle => {
      const { closeFirst = null } = fields;
      return {
        code: code as RefusalCode,
        count: 1,
        what: message,
        remedy: hint ?? '',
        closeFirst: typeof closeFirst === 'string' ? closeFirst : null,
      };
    }),
    ...blockerKinds
      .filter((kind) => counts[kind] > 0)
      .map((kind): Obstacle => {
        const [what, remedy] = blockerTexts[kind];
        return { code: kind, count: counts[kind], what, remedy, closeFirst: null };
      }),
  ];
}

/** The command that clears this blocker, if there is one. */
export const remedyCommand = ({ subject, remedy }: Blocker): string | null =>
  remedy === 'withdraw' ? `npx idscan-ledger withdraw ${subject} --reason "…"` : null;
