import {
  codeAt,
  countersAt,
  faceStateAt,
  isListedAt,
  levelAt,
  madeBy,
  transactionStateAt,
  type TrueTransaction,
} from './closing-truth.ts';
import { currencies, type Dated, type PriceEntry, type PriceFile, type RuleFile } from './closing-reference.ts';

/**
 * The books as they must be, from what was said, the files in force and what was closed when. Shares no code with the
 * product: months by the runtime's calendar, money in whole millionths, each unit of a tier priced by itself.
 */
export type Situation = {
  readonly timeZone: string;
  readonly transactions: readonly TrueTransaction[];
  /** Per transaction, the moments at which the vendor was asked. */
  readonly said: readonly (readonly number[])[];
  readonly rules: RuleFile;
  readonly prices: PriceFile | undefined;
  readonly closed: readonly { readonly period: string; readonly prices: PriceFile | undefined }[];
};

export type ModelAttempt = {
  readonly transaction: number;
  readonly taskType: string;
  readonly level: string | null;
  readonly at: Date;
  readonly period: string;
  readonly code: string | null;
  readonly invoiced: boolean | null;
};

/** What a month comes to: counts, and per task type the exact amount of what has a price. */
export type ModelMonth = {
  readonly attempts: readonly ModelAttempt[];
  readonly unpriced: number;
  readonly amounts: ReadonlyMap<string, bigint>;
};

const formats = new Map<string, Intl.DateTimeFormat>();
function dayOf(at: Date, timeZone: string): string {
  const known = formats.get(timeZone);
  const format =
    known ?? new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  if (!known) formats.set(timeZone, format);
  return format.format(at);
}
const monthOf = (at: Date, timeZone: string): string => dayOf(at, timeZone).slice(0, 7);

/** The first instant of a day, found by halving. For zones in which a day that is over does not come again. */
export function beginningOf(day: string, timeZone: string): Date {
  const utc = Date.parse(`${day}T00:00:00Z`);
  let [before, from] = [utc - 16 * 3_600_000, utc + 16 * 3_600_000];
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2);
    if (dayOf(new Date(middle), timeZone) >= day) from = middle;
    else before = middle;
  }
  return new Date(from);
}

const inForce = <T extends Dated>(entries: readonly T[], day: string): T | undefined =>
  entries.find((one) => one.effective_from <= day && (one.effective_to === null || day < one.effective_to));

/** All attempts that the vendor told of, decided by the present rules. */
export function trueAttempts(situation: Situation): ModelAttempt[] {
  return situation.transactions.flatMap((transaction, index) => attemptsOf(situation, transaction, index));
}

function attemptsOf(situation: Situation, transaction: TrueTransaction, index: number): ModelAttempt[] {
  const { timeZone, rules } = situation;
  const moments = situation.said[index] ?? [];
  const last = moments.at(-1);
  if (last === undefined) return [];
  const attempt = (type: string, at: Date, code: string | null, decide: Decide): ModelAttempt => {
    const table = inForce(rules.tables, dayOf(at, timeZone));
    return {
      transaction: index,
      taskType: type,
      at,
      period: monthOf(at, timeZone),
      code,
      level: type === 'document_scan' ? levelAt(transaction, last) : null,
      invoiced: table && hasRuleFor(table, type) ? decide(table) : null,
    };
  };
  const made = madeBy(transaction, last);
  const listed = isListedAt(transaction, last) ? made : [];
  const scans = listed.map((scan) => {
    const code = codeAt(scan, last);
    return attempt('document_scan', scan.at, code, byCode('document_scan', code));
  });
  const { completed, createdAt } = transaction;
  const latest = listed.reduce<Date | null>((most, { at }) => (most && most > at ? most : at), null);
  const at = completed && last >= completed.from ? completed.at : (latest ?? createdAt);
  const standIns = isListedAt(transaction, last)
    ? []
    : unlisted(transaction, last).map((invoiced) => attempt('document_scan', at, '(not listed)', () => invoiced));
  const wasCompleted = moments.some((moment) => transactionStateAt(transaction, moment) === 'completed');
  const faces = transaction.faces.flatMap((face) => {
    const state = faceStateAt(face, last);
    const code = state === 'completed' ? null : state;
    if (state === 'pending') return [];
    return [attempt(face.type, at, code, byCode(face.type, code, wasCompleted))];
  });
  return [...scans, ...standIns, ...faces];
}

type Table = RuleFile['tables'][number];
type Decide = (table: Table) => boolean | null;

const hasRuleFor = ({ rules, executed_tasks }: Table, type: string): boolean =>
  [...rules, ...executed_tasks].some((one) => one.task_type === type);

/** Decided by the rule for its code; an executed task also by the one for all of them. */
const byCode =
  (type: string, code: string | null, isExecuted = false): Decide =>
  ({ rules, executed_tasks }) =>
    rules.find((one) => one.task_type === type && one.outcome_code === code)?.invoiced ??
    (isExecuted ? executed_tasks.find((one) => one.task_type === type)?.invoiced : undefined) ??
    null;

/** What stands in for scans that are counted and not listed: whether each is invoiced, as far as the counters say. */
function unlisted(transaction: TrueTransaction, moment: number): (boolean | null)[] {
  if (madeBy(transaction, moment).length === 0) return [];
  const { attempts, attemptsInvoiced } = countersAt(transaction, moment);
  if (attempts === null || attemptsInvoiced === null) return [null];
  return Array.from({ length: Math.max(attempts, attemptsInvoiced) }, (_, index) => index < attemptsInvoiced);
}

/** The lists that a month is priced by: the first one with a price for an attempt is the one. */
function listsFor({ closed, prices }: Situation, period: string): PriceFile[] {
  const later = closed.filter((one) => one.period >= period).map((one) => one.prices);
  return [...later, prices].filter((list) => list !== undefined);
}

function priceOf(list: PriceFile, { taskType, level, at }: ModelAttempt, timeZone: string): PriceEntry | undefined {
  const day = dayOf(at, timeZone);
  const ofType = list.prices.filter((entry) => entry.task_type === taskType);
  const ofLevel = ofType.filter((entry) => entry.level !== null && entry.level === level);
  return (
    inForce(ofLevel, day) ??
    inForce(
      ofType.filter((entry) => entry.level === null),
      day,
    )
  );
}

/** What the attempts of a month come to. */
export function trueMonth(situation: Situation, period: string): ModelMonth {
  const attempts = trueAttempts(situation).filter((one) => one.period === period);
  const lists = listsFor(situation, period);
  const units = new Map<PriceEntry, number>();
  let unpriced = 0;
  for (const attempt of attempts.filter(({ invoiced }) => invoiced === true)) {
    const entry = lists.map((list) => priceOf(list, attempt, situation.timeZone)).find((price) => price !== undefined);
    if (entry) units.set(entry, (units.get(entry) ?? 0) + 1);
    else unpriced += 1;
  }
  const amounts = new Map<string, bigint>();
  for (const [entry, count] of units)
    amounts.set(entry.task_type, (amounts.get(entry.task_type) ?? 0n) + costOf(entry, count));
  return { attempts, unpriced, amounts };
}

/** Millionths of a currency's unit. */
export function micros(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace('-', '').split('.');
  const amount = BigInt(whole + fraction.padEnd(6, '0'));
  return text.startsWith('-') ? -amount : amount;
}

function costOf({ model, unit_price, tiers = [], free_allowance = 0 }: PriceEntry, units: number): bigint {
  const priceOfUnit = (unit: number): bigint =>
    micros(tiers.find(({ up_to }) => up_to === null || unit <= up_to)?.unit_price ?? unit_price ?? '');
  const charged = Math.max(0, units - free_allowance);
  let cost = 0n;
  for (let unit = 1; unit <= charged; unit += 1) cost += priceOfUnit(model === 'volume' ? charged : unit);
  return cost;
}

/** Half away from zero. */
export function rounded(amount: bigint, { currency }: PriceFile): bigint {
  const digits = currencies[currency as keyof typeof currencies];
  const step = 10n ** BigInt(6 - digits);
  const [size, sign] = amount < 0n ? [-amount, -1n] : [amount, 1n];
  const rest = size % step;
  return sign * (rest * 2n >= step ? size - rest + step : size - rest);
}

/** What a month costs at least; `undefined` = nothing says so. The list of a closed month is the first one behind it. */
export function minimumOf(situation: Situation, period: string): bigint | undefined {
  const [list] = listsFor(situation, period);
  const entry = list && inForce(list.monthly_minimum, `${period}-01`);
  return entry && micros(entry.amount);
}
