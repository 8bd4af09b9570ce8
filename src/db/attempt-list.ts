import { sql } from 'kysely';
import {
  any,
  type AttemptFilter,
  type AttemptOrder,
  filterNames,
  type FilterName,
  none,
  success,
} from '../domain/attempt-filter.ts';
import { nextDay, startOfDay } from '../domain/billing-month.ts';
import { type From, orderInSql, type Place } from './attempt-order.ts';
import type { Queries } from './database.ts';
import { lineColumns } from './lines.ts';
import { instant, literal } from './sql-text.ts';

/** A line of a month, as a list shows it. `ordinal` is `null` for a charge that no attempt of the books was found for. */
export type ListedAttempt = {
  readonly transactionId: string;
  readonly taskType: string;
  readonly ordinal: number | null;
  readonly attemptedAt: Date;
  readonly code: string | null;
  readonly invoiced: boolean | null;
  readonly level: string | null;
  readonly counterStatus: string | null;
  readonly amount: string | null;
  readonly quantity: number;
  readonly correctsPeriod: string | null;
  readonly place: Place;
};

/** How many attempts lines add up to: what a correction takes back counts -1. */
export type AttemptTotal = { readonly attempts: bigint; readonly lines: bigint };

const orNone = (column: string, value: string): string =>
  value === none ? `${column} is null` : `${column} = ${literal(value)}`;

/** Each filter as a condition on a line. The finding is not among them: its lines are others from the start. */
const conditions: Readonly<Record<Exclude<FilterName, 'finding'>, (value: string, timeZone: string) => string>> = {
  task: (value) => `task_type = ${literal(value)}`,
  level: (value) => orNone('level', value),
  code: (value) => (value === success ? 'code is null' : `code = ${literal(value)}`),
  invoiced: (value) => (value === 'unclassified' ? 'invoiced is null' : `invoiced is ${value === 'true'}`),
  counter: (value) => (value === 'stated' ? `counter_status <> 'absent'` : `counter_status = ${literal(value)}`),
  day: (value, timeZone) =>
    `attempted_at >= ${instant(startOfDay(value, timeZone))} and attempted_at < ${instant(startOfDay(nextDay(value), timeZone))}`,
  corrects: (value) => (value === any ? 'corrects_period is not null' : orNone('corrects_period', value)),
  price: (value) => (value === none ? 'unit_price is null' : `unit_price::numeric = ${literal(value)}::numeric`),
  rules: (value) => orNone('rule_table_version', value),
  list: (value) => orNone('price_list_version', value),
  only: (value) => onlyThese[value] ?? 'false',
};

/** The same conditions as in `month-figures.ts` and `blockers.ts`, which count these. */
const onlyThese: Readonly<Record<string, string>> = {
  abandoned: `settled and transaction_state is distinct from 'completed'`,
  unclassified: 'invoiced is null and quantity = 1',
  unpriced: 'invoiced and unit_price is null and quantity = 1',
};

/**
 * Those lines that a filter selects, with their `place` among rows that are otherwise equal.
 *
 * @param lines a query as in `src/db/lines.ts`.
 * @param timeZone that of the days.
 * @param place SQL; lines of a month are never equal.
 */
export function linesWith(lines: string, filter: AttemptFilter, timeZone: string, place = '0'): string {
  const all = filterNames.flatMap((name) => {
    const value = filter[name];
    return value === undefined || name === 'finding' ? [] : [`(${conditions[name](value, timeZone)})`];
  });
  return `select ${lineColumns.join(', ')}, ${place} as place from (${lines}) line where ${['true', ...all].join(' and ')}`;
}

/** What lines add up to. */
export async function attemptTotal(db: Queries, lines: string): Promise<AttemptTotal> {
  const { rows } = await sql<{ attempts: string; lines: string }>`
    select coalesce(sum(quantity), 0) as attempts, count(*) as lines from (${sql.raw(lines)}) line`.execute(db);
  const [total] = rows;
  return { attempts: BigInt(total?.attempts ?? 0), lines: BigInt(total?.lines ?? 0) };
}

export type Portion = { readonly order: AttemptOrder; readonly from: From; readonly limit: number };

/** Lines in an order, from a place on. */
export async function listAttempts(
  db: Queries,
  lines: string,
  { order, from, limit }: Portion,
): Promise<ListedAttempt[]> {
  const { place, beyond, orderBy } = orderInSql(order, from);
  const { rows } = await sql<ListedAttempt>`${sql.raw(`
    select transaction_id as "transactionId", task_type as "taskType", ordinal, attempted_at as "attemptedAt", code,
      invoiced, level, counter_status as "counterStatus", amount, quantity, corrects_period as "correctsPeriod",
      ${place} as place
    from (${lines}) line where ${beyond} order by ${orderBy} limit ${limit}`)}`.execute(db);
  return from?.isBackwards === true ? rows.reverse() : rows;
}
