import { nextPeriod, previousPeriod } from '../billing-month.ts';
import { partOf } from './candidates.ts';
import { counterAsBooked } from './causes.ts';
import { alsoRight } from './best-reading.ts';
import type { Charged, Reading } from './charged.ts';
import type { Cube, CubeRow, Side } from './cube.ts';
import { isWithin, type MonthSpan, sideOf } from './cutoffs.ts';
import type { Candidate, Part } from './explanation.ts';
import { cellKey } from './pairing.ts';
import { cellText } from './reasons.ts';
import { addedBy, certainOf, type Told } from './usage-parts.ts';

type Single = { readonly row: CubeRow; readonly index: number; readonly isBilled: boolean };

/**
 * Says of each row why single attempts of it differ. Few of them may all be what some hypothesis is about: too few to
 * tell.
 *
 * @param differing all rows that differ, whatever explains them.
 * @returns by the places of rows; what is not among them is unexplained.
 */
export function singleParts(
  charged: Charged,
  reading: Reading,
  rows: readonly Single[],
  differing: readonly Single[],
): Map<number, Told> {
  const { cube } = charged;
  const chargedCells = new Set(cube.rows.flatMap((row) => (row.usage?.charged ? [cellKey(row)] : [])));
  const isLineThere = (row: CubeRow) => chargedCells.has(cellKey(row));
  const mayBeOthers = countedElsewhere(charged, differing);
  const plain = rows.map((one) => ({
    ...one,
    told: plainly(one, charged, isLineThere(one.row)) ?? againstCounter(one, mayBeOthers),
  }));
  const doubted = (isBilled: boolean) =>
    plain.filter(
      ({ row, told, ...one }) => one.isBilled === isBilled && isLineThere(row) && (!told || isPlainOnly(told.part)),
    );
  const parts = new Map(plain.flatMap(({ index, told }) => (told ? [[index, told] as const] : [])));
  for (const some of [doubted(true), doubted(false)]) {
    const places = some.map(({ index }) => index);
    const others = some.length === 0 ? [] : alsoRight(charged, reading, places);
    const named = others.map((one): Candidate => [partOf([addedBy(one, reading, null)])]);
    for (const { index, told } of named.length === 0 ? [] : some) parts.set(index, withOthers(told, named));
  }
  return parts;
}

/** What is seen of attempts without what they have in common. */
const isPlainOnly = ({ cause, subject }: Part): boolean => cause === 'usage_not_billed' || subject === counterAsBooked;

/**
 * Task types of which the counters may count other attempts than the books invoice: a counter does not say which ones it
 * counts, and some that it counts are not charged.
 */
const countedElsewhere = ({ cube, counts }: Charged, differing: readonly Single[]): ReadonlySet<string> =>
  new Set([
    ...differing.flatMap(({ row, isBilled }) => (isBilled && row.counter === 'agrees' ? [row.taskType] : [])),
    ...cube.rows.flatMap(({ counter, taskType }, index) => {
      const { all, charged } = counts[index] ?? { all: 0, charged: 0 };
      return counter === 'charged' && charged < all ? [taskType] : [];
    }),
  ]);

/** Attempts that the vendor charges though its own counter says, as the books do, that they are not invoiced. */
function againstCounter({ row, isBilled }: Single, mayBeOthers: ReadonlySet<string>): Told | undefined {
  const isAsBooked = !isBilled && row.counter === 'agrees' && row.invoiced === false && !mayBeOthers.has(row.taskType);
  return isAsBooked ? surely(certainOf('counter', counterAsBooked)) : undefined;
}

/** What is plain to see, and may be something else as well. A counter tells less than what attempts have in common. */
function withOthers(told: Told | undefined, named: readonly Candidate[]): Told {
  const known = !told ? [] : told.among.length === 0 ? [[told.part]] : told.among;
  const among = told?.part.subject === counterAsBooked ? [...named, ...known] : [...known, ...named];
  return { part: among[0]?.[0] ?? certainOf('unexplained', ''), among };
}

const surely = (part: Part): Told => ({ part, among: [] });

/** Why single attempts differ, as far as each tells by itself. @param isLineThere whether any of its line is charged. */
function plainly({ row, isBilled }: Single, { cube, spans }: Charged, isLineThere: boolean): Told | undefined {
  const { late, counter, invoiced, taskType, code, usage } = row;
  if (!isLineThere && !usage?.chargedIn) return surely(certainOf('usage_not_billed', cellText(row)));
  const isInBooks = late === 'no' || (late === 'came') === (cube.basis === 'restated');
  if (!isInBooks && invoiced) return surely(certainOf('late', 'since the close'));
  if (isBilled) return notCharged(row, cube, spans);
  if (invoiced === null) return surely(certainOf('unclassified', `${taskType}/${code ?? 'success'}`));
  const [isInMonth, ...isInOther] = spans.map((span) => isWithin(row, span));
  // Far from the edges of the month, no time zone and no other time of the transaction has it in this month.
  if (!isInMonth && invoiced) return isInOther.includes(true) ? cutOff(row, cube, spans) : undefined;
  return counter === 'charged' ? surely(certainOf('counter', 'attemptsInvoiced')) : undefined;
}

/** Attempts of another month, which a way to cut off has in this one. Their own month may charge them, too. */
function cutOff(row: CubeRow, { period, statements }: Cube, [own]: readonly MonthSpan[]): Told {
  const side = (own && sideOf(row, own)) ?? 'after';
  const part = certainOf('cutoff', `of ${monthAt(side, period)}`);
  if (statements?.[side]) return surely(part);
  return { part, among: [[part], [certainOf('billed_twice', cellText(row))]] };
}

/** Attempts that the books bill and the month's statement does not charge. */
function notCharged(row: CubeRow, { period, statements }: Cube, spans: readonly MonthSpan[]): Told {
  const { counter, late, usage } = row;
  const mayBe = (side: Side) => spans.some((span) => sideOf(row, span) === side);
  if (usage?.chargedIn) {
    const { period: other, isNear } = usage.chargedIn;
    const side = other > period ? 'after' : 'before';
    const parts = [
      ...(isNear && mayBe(side) ? [certainOf('cutoff', `charged in ${other}`)] : []),
      ...(late === 'came' && side === 'after' ? [certainOf('late', `charged in ${other}`)] : []),
    ];
    const [first, ...others] = parts;
    if (!first) return surely(certainOf('unexplained', `charged in ${other}`));
    return { part: first, among: others.length === 0 ? [] : parts.map((part) => [part]) };
  }
  if (counter === 'not_charged') return surely(certainOf('counter', 'attemptsInvoiced'));
  const open = sides
    .filter((side) => mayBe(side) && !statements?.[side])
    .map((side) => `charged in ${monthAt(side, period)}`);
  if (open.length === 0) return surely(certainOf('usage_not_billed', cellText(row)));
  const part = certainOf('usage_not_billed', [cellText(row), ...open.map((one) => `unless ${one}`)].join(', '));
  return { part, among: [[part], ...open.map((one): Candidate => [certainOf('cutoff', one)])] };
}

const sides: readonly Side[] = ['after', 'before'];
const monthAt = (side: Side, period: string): string =>
  side === 'after' ? nextPeriod(period) : previousPeriod(period);
