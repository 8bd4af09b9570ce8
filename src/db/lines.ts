import { formatAmount } from '../domain/money.ts';
import type { PriceCell, Stretch } from '../domain/price-cells.ts';
import type { PriceList } from '../domain/prices.ts';
import { instant, literal } from './sql-text.ts';
import type { Tables } from './tables-as-of.ts';

/** The columns of a line that describe its attempt. */
export const attemptColumns = [
  'transaction_id',
  'result_id',
  'task_type',
  'ordinal',
  'attempted_at',
  'code',
  'invoiced',
  'reason',
  'level',
  'capture_source',
  'linked',
  'transaction_state',
  'settled',
  'unit_price',
  'amount',
  'price_tier',
  'tier_position',
  'rule_table_version',
  'price_list_version',
  'vendor_attempts',
  'vendor_attempts_invoiced',
  'counter_status',
  'vendor_share',
] as const;

/**
 * The columns that every query of lines here yields. Lines are SQL text because `COPY` takes no parameters, and because
 * the same lines are counted, written to files and booked.
 */
export const lineColumns = ['quantity', 'corrects_period', ...attemptColumns] as const;

/** A span divided into consecutive stretches, and the prices in each. */
export type LineScope = {
  readonly tables: Tables;
  readonly stretches: readonly Stretch[];
  readonly end: Date;
  readonly cells: readonly PriceCell[];
};

/** The number of the stretch that an instant falls in, from 1. */
export const stretchOf = (column: string, stretches: readonly Stretch[]): string =>
  `width_bucket(${column}, array[${stretches.map(({ start }) => instant(start)).join(', ')}]::timestamptz[])`;

/**
 * The same for instants that are known to lie in a stretch. With a single stretch it is a constant, so that Postgres
 * plans for the right number of rows. It cannot estimate how many rows a computed stretch selects.
 */
export const stretchWithin = (column: string, stretches: readonly Stretch[]): string =>
  stretches.length === 1 ? '1' : stretchOf(column, stretches);

/**
 * The part of the vendor's counter of task `k` that belongs to its attempt `a`. The last attempt takes the difference.
 */
export const vendorShare = `case when k.vendor_attempts_invoiced is not null then coalesce(a.invoiced, false)::integer
  + case when a.ordinal = k.own_attempts then k.vendor_attempts_invoiced - k.own_invoiced else 0 end end`;

/** The lines of all attempts of an open month. */
export function ordinaryLines(scope: LineScope): string {
  return `select 1 as quantity, null::text collate "C" as corrects_period, ${attemptColumns.join(', ')} from (${attemptLines(scope)}) line`;
}

/** The lines of a closed month, as they were booked. */
export const closedLines = (period: string): string =>
  `select ${lineColumns.join(', ')} from closed_lines where period = ${literal(period)}`;

/**
 * Which lines to compare with what was booked: those of some transactions, and all whose price depends on their rank.
 */
export type Examined = {
  /** A query of transaction IDs. */
  readonly transactions: string;
  readonly cells: readonly CellName[];
  /** Cells in which examined attempts are counted now. Their attempts are needed for the ranks. */
  readonly counted: readonly CellName[];
};
export type CellName = Pick<PriceCell, 'taskType' | 'level' | 'stretch'>;

/**
 * Corrections for what has changed below the horizon of closed months. Compares each attempt's last booking with its
 * present state: if they differ, the booked line is reversed and the present one booked. The same set of attempts is
 * used for both sides, so an attempt booked in a cell is compared with its present state even if that is in another
 * cell.
 */
export function correctionLines(scope: LineScope, examined: Examined): string {
  const same = (column: string) => `booked.${column} is not distinct from truth.${column}`;
  const isSame = ['own_period', 'invoiced', 'code', 'level', 'unit_price', 'vendor_share'].map(same).join(' and ');
  const columns = (table: string) => attemptColumns.map((column) => `${table}.${column}`);
  const reversed = columns('booked').map((column) =>
    column === 'booked.amount'
      ? `case when booked.amount ~ '[1-9]' then '-' || booked.amount else booked.amount end`
      : column,
  );
  return `
    with considered as materialized (${consideredAttempts(scope, examined)}), booked as materialized (
      select * from (
        select distinct on (${key('c')}) c.quantity, ${attemptColumns.map((column) => `c.${column}`).join(', ')},
          coalesce(c.corrects_period, c.period) as own_period, considered.is_examined
        from closed_lines c join considered on ${isSameAttempt('considered', 'c')}
        where c.period <= ${lastPeriod(scope)}
        order by ${key('c')}, c.period desc, c.quantity desc
      ) latest where quantity = 1
    ), truth as materialized (${attemptLines(scope, examined)})
    select -1 as quantity, booked.own_period as corrects_period, ${reversed.join(', ')}
    from booked where is_examined and not exists (select from truth where ${isSameAttempt('truth', 'booked')} and ${isSame})
    union all
    select 1, truth.own_period, ${columns('truth').join(', ')}
    from truth where is_examined and not exists (select from booked where ${isSameAttempt('booked', 'truth')} and ${isSame})`;
}

export const keyColumns = ['transaction_id', 'task_type', 'ordinal'] as const;
const key = (table: string): string => keyColumns.map((column) => `${table}.${column}`).join(', ');
const isSameAttempt = (one: string, other: string): string =>
  keyColumns.map((column) => `${one}.${column} = ${other}.${column}`).join(' and ');
/** Excludes what was booked after the examined horizon, which matters for an earlier state. */
const lastPeriod = ({ stretches }: LineScope): string => literal(stretches.at(-1)?.period ?? '');

/** The keys of attempts to examine, in their booked or present state, and of those that are counted with them. */
function consideredAttempts(scope: LineScope, { transactions, cells, counted }: Examined): string {
  const { tables, stretches, end } = scope;
  const [first] = stretches;
  const span = `a.attempted_at >= ${first ? instant(first.start) : `'-infinity'`} and a.attempted_at < ${instant(end)}`;
  const ofLate = (table: string) => `${table}.transaction_id in (select transaction_id from (${transactions}) late)`;
  const parts = [
    `select ${key('a')}, true as is_examined from ${tables.attempts} a where ${span} and ${ofLate('a')}`,
    `select ${key('c')}, true from closed_lines c where c.period <= ${lastPeriod(scope)} and ${ofLate('c')}`,
  ];
  const within = (some: readonly CellName[], row: string, level: string) =>
    inCell(some, `${row}.task_type`, level, stretchOf(`${row}.attempted_at`, stretches));
  const all = [...cells, ...counted];
  if (all.length > 0)
    parts.push(
      `select ${key('a')}, ${within(cells, 'a', 'k.level')} from ${tables.attempts} a
        join ${tables.tasks} k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
        where ${span} and ${within(all, 'a', 'k.level')}`,
      `select ${key('c')}, ${within(cells, 'c', 'c.level')} from closed_lines c
        where c.period <= ${lastPeriod(scope)} and ${within(all, 'c', 'c.level')}`,
    );
  return `select ${keyColumns.join(', ')}, bool_or(is_examined) as is_examined from (${parts.join(' union all ')}) key
    group by ${keyColumns.join(', ')}`;
}

/** Whether a row is in one of the cells, as SQL. */
export function inCell(cells: readonly CellName[], taskType: string, level: string, stretch: string): string {
  if (cells.length === 0) return 'false';
  const rows = cells.map((cell) => `(${literal(cell.taskType)}, ${literal(cell.level ?? '')}, ${cell.stretch})`);
  return `(${taskType}, coalesce(${level}, ''), ${stretch}) in (values ${rows.join(', ')})`;
}

/**
 * Attempts with their price, decision and share of the vendor's counter, each in the month of its own time. Every
 * attempt has a transaction; the join is a left join so that Postgres can drop it if no column of the transaction is
 * selected.
 */
function attemptLines({ tables, stretches, end, cells }: LineScope, examined?: Examined): string {
  const [first] = stretches;
  const isOneStretch = stretches.length === 1;
  const isCounted = cells.some((cell) => cell.isCounted);
  const position = isCounted
    ? `case when invoiced and is_counted then count(*) filter (where invoiced) over (
        partition by scope order by ${examined ? 'booked_position nulls last, ' : ''}attempted_at, transaction_id, task_type, ordinal
        rows unbounded preceding) end`
    : 'null::bigint';
  const band = isCounted
    ? 'case when is_counted and cardinality(prices) > 1 then width_bucket(tier_position, starts) else 1 end'
    : '1';
  return `
    select *, prices[band] collate "C" as unit_price, tiers[band] collate "C" as price_tier,
      case when invoiced then prices[band] when not invoiced then zero end collate "C" as amount
    from (
      select *, ${band} as band from (
        select *, ${position} as tier_position from (
          select a.transaction_id, t.result_id, a.task_type, a.ordinal, a.attempted_at, a.code, a.invoiced, a.reason,
            k.level, a.capture_source, a.linked, t.state as transaction_state, t.settled, a.rule_table_version,
            stretch.period collate "C" as own_period,
            coalesce(cell.price_list_version, stretch.price_list_version) collate "C" as price_list_version,
            coalesce(cell.zero, stretch.zero) as zero,
            k.vendor_attempts, k.vendor_attempts_invoiced,
            case when k.vendor_attempts_invoiced is null then 'absent'
              when k.vendor_attempts_invoiced = k.own_invoiced then 'match' else 'mismatch' end as counter_status,
            ${vendorShare} as vendor_share,
            cell.scope, cell.is_counted, cell.starts, cell.prices, cell.tiers
            ${examined ? `, considered.is_examined, case when booked_cell.scope = cell.scope then b.tier_position end as booked_position` : ''}
          from (select *, ${stretchWithin('attempted_at', stretches)} as stretch from ${tables.attempts} attempt
            where attempted_at >= ${first ? instant(first.start) : `'-infinity'`} and attempted_at < ${instant(end)}) a
          join ${tables.tasks} k on k.transaction_id = a.transaction_id and k.task_type = a.task_type
          left join ${tables.transactions} t on t.id = a.transaction_id
          join (values ${stretches.map(stretchRow).join(', ')})
            as stretch (stretch, period, price_list_version, zero) on ${isOneStretch ? 'true' : 'stretch.stretch = a.stretch'}
          left join (values ${cells.length > 0 ? cells.map(cellRow).join(', ') : noCell})
            as cell (task_type, level, stretch, scope, is_counted, starts, prices, tiers, price_list_version, zero)
            on cell.task_type = a.task_type and cell.level = coalesce(k.level, '') ${isOneStretch ? '' : 'and cell.stretch = a.stretch'}
          ${examined ? joinBooked(cells, stretches) : ''}
        ) attempt
      ) numbered
    ) banded`.replace(/\n\s*\n/g, '\n');
}

/**
 * Restricts to the considered attempts and joins their bookings. A booked rank stays if the attempt is in the same
 * scope.
 */
const joinBooked = (cells: readonly PriceCell[], stretches: readonly Stretch[]): string => `
  join considered on ${isSameAttempt('considered', 'a')}
  left join booked b on ${isSameAttempt('b', 'a')}
  left join (values ${cells.length > 0 ? cells.map(cellRow).join(', ') : noCell})
    as booked_cell (task_type, level, stretch, scope, is_counted, starts, prices, tiers, price_list_version, zero)
    on booked_cell.task_type = b.task_type and booked_cell.level = coalesce(b.level, '')
      and booked_cell.stretch = ${stretchOf('b.attempted_at', stretches)}`;

function stretchRow({ period, lists: [list] }: Stretch, index: number): string {
  return `(${index + 1}, ${literal(period)}, ${literal(list?.version ?? null)}::text, ${literal(list ? zero(list) : null)}::text)`;
}

const zero = ({ minorDigits }: Pick<PriceList, 'minorDigits'>): string => formatAmount(0n, minorDigits);

const noCell = `(null::text, null::text, null::integer, null::integer, null::boolean, null::bigint[], null::text[], null::text[], null::text, null::text)`;

function cellRow({ taskType, level, stretch, scope, isCounted, bands, list }: PriceCell): string {
  const texts = (values: readonly string[]) => `array[${values.map(literal).join(', ')}]::text[]`;
  const starts = `array[${bands.map(({ from }) => String(from)).join(', ')}]::bigint[]`;
  const prices = texts(bands.map(({ unitPrice }) => formatAmount(unitPrice, list.minorDigits)));
  return `(${literal(taskType)}, ${literal(level ?? '')}, ${stretch}, ${scope}, ${isCounted}, ${starts}, ${prices}, ${texts(bands.map(({ tier }) => tier))}, ${literal(list.version)}, ${literal(zero(list))})`;
}
