import { formatAmount, type Micros } from '../../domain/money.ts';
import { amountOf, compareKeys, instantMs, original } from './cells.ts';
import type { KnownReport } from './manifest.ts';
import { shown } from './problems.ts';
import type { Row } from './reading.ts';

type Report = (column: string, problem: string) => void;

/** Checks a row of the detail file by itself. */
export function checkDetailRow(row: Row, report: KnownReport, add: Report): void {
  const { manifest } = report;
  const is = (column: string, expected: string, why: string) => {
    if (row.cell(column) !== expected)
      add(column, `${column} is ${shown(row.cell(column))}, ${why} ${shown(expected)}`);
  };
  is('period', manifest.period, 'the report is of');
  checkCorrection(row, report, add);
  checkTime(row, report, add);
  if (row.cell('is_correction') === 'false' && manifest.period_status !== 'restated') {
    is('currency', manifest.control_totals.currency ?? '', 'the manifest says');
    is('price_list_version', manifest.price_list?.version ?? '', 'the manifest says');
  } else checkCurrencyByItself(row, report, add);
  checkAmount(row, report.minorDigits, add);
  checkWords(row, add);
}

function checkCorrection(row: Row, { manifest }: KnownReport, add: Report): void {
  const [quantity, correctsPeriod] = [row.cell('quantity'), row.cell('corrects_period')];
  const isCorrection = row.cell('is_correction') === 'true';
  if (quantity !== '1' && quantity !== '-1') add('quantity', `quantity is ${quantity}, neither 1 nor -1`);
  if (row.cell('attempt') === '0') add('attempt', 'attempt is 0; attempts are counted from 1');
  if (isCorrection) {
    if (correctsPeriod === '') add('corrects_period', 'corrects_period is empty in a correction');
    else if (correctsPeriod >= manifest.period)
      add('corrects_period', `corrects_period is ${correctsPeriod}, which is not before ${manifest.period}`);
    return;
  }
  if (correctsPeriod !== '') add('corrects_period', `corrects_period is ${correctsPeriod}, but is_correction is false`);
  if (quantity === '-1') add('quantity', 'quantity is -1, but is_correction is false: only corrections take back');
}

function checkTime(row: Row, { manifest, startMs, endMs }: KnownReport, add: Report): void {
  const ms = instantMs(row.cell('attempted_at')) ?? 0;
  const isWithin = ms >= startMs && ms < endMs;
  if (isWithin === (row.cell('is_correction') === 'false')) return;
  const month = `${manifest.period} (${manifest.bounds.start} to ${manifest.bounds.end})`;
  add(
    'attempted_at',
    isWithin
      ? `attempted_at is ${row.cell('attempted_at')}, within ${month}, though it corrects another month`
      : `attempted_at is ${row.cell('attempted_at')}, outside of ${month}`,
  );
}

/** Corrections, and so the lines of a restated month, may rest on different price lists. */
function checkCurrencyByItself(row: Row, { manifest }: KnownReport, add: Report): void {
  const currency = row.cell('currency');
  const expected = manifest.control_totals.currency ?? '';
  // The month may have been closed without one.
  if (currency !== expected && !(currency === '' && row.cell('price_list_version') === ''))
    add('currency', `currency is ${shown(currency)}, the manifest says ${shown(expected)}`);
}

function checkAmount(row: Row, minorDigits: number, add: Report): void {
  const [invoiced, amount, unitPrice] = [row.cell('invoiced'), row.cell('amount'), amountOf(row.cell('unit_price'))];
  const is = (expected: string, why: string) => {
    if (amount !== expected) add('amount', `amount is ${shown(amount)}, ${why}`);
  };
  if (row.cell('price_list_version') === '') {
    is('', 'but there is no price list');
    if (unitPrice !== null) add('unit_price', `unit_price is ${row.cell('unit_price')}, but there is no price list`);
  } else if (invoiced === '') is('', 'but the attempt is unclassified');
  else if (invoiced === 'false') {
    const zero = formatAmount(0n, minorDigits);
    is(zero, `but the attempt is not invoiced: ${zero}`);
  } else if (unitPrice === null) is('', 'but unit_price is empty');
  else {
    const expected = formatAmount(BigInt(row.cell('quantity')) * unitPrice, minorDigits);
    is(expected, `quantity × unit_price is ${expected}`);
  }
  const tier = row.cell('price_tier');
  if ((tier === '') !== (unitPrice === null))
    add('price_tier', `price_tier is ${shown(tier)}, unit_price is ${shown(row.cell('unit_price'))}`);
  else if (tier !== '' && !tierPattern.test(tier)) add('price_tier', `price_tier is ${tier}, which names no tier`);
  else checkTier(tier, unitPrice, add);
}

/** Checks what a tier's name implies. */
function checkTier(tier: string, unitPrice: Micros | null, add: Report): void {
  if (tier.startsWith('free ') && unitPrice !== 0n)
    add('price_tier', `price_tier is ${tier}, but unit_price is not zero`);
  const [, from, upTo] = /^(\d+) to (\d+)$/.exec(tier) ?? [];
  if (from !== undefined && upTo !== undefined && BigInt(from) > BigInt(upTo))
    add('price_tier', `price_tier is ${tier}, which ends before it begins`);
}

const tierPattern = /^(?:flat|free to [1-9]\d*|[1-9]\d* to [1-9]\d*|from [1-9]\d*)$/;

function checkWords(row: Row, add: Report): void {
  const [status, counter] = [row.cell('counter_status'), row.cell('vendor_attempts_invoiced')];
  if (!['match', 'mismatch', 'absent'].includes(status))
    add('counter_status', `counter_status is ${status}, neither match, mismatch nor absent`);
  else if ((status === 'absent') !== (counter === ''))
    add('counter_status', `counter_status is ${status}, vendor_attempts_invoiced is ${shown(counter)}`);
}

/** Checks that rows are in order of their keys. `words` describes the key in messages. */
export function orderChecker(key: (row: Row) => (string | number)[], words: string) {
  let before: (string | number)[] | undefined;
  return (row: Row): string | undefined => {
    const own = key(row);
    const order = before ? compareKeys(before, own) : -1;
    before = own;
    if (order < 0) return undefined;
    return order === 0 ? `has the same ${words} as the row above` : `is not in order of ${words}`;
  };
}

export const detailOrder = () =>
  orderChecker(
    (row) => [
      original(row.cell('transaction_id')),
      original(row.cell('task_type')),
      Number(row.cell('attempt')),
      Number(row.cell('quantity')),
      row.cell('corrects_period'),
    ],
    'transaction_id, task_type, attempt, quantity and corrects_period',
  );
