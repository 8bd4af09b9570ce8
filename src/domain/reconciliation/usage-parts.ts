import { partOf } from './candidates.ts';
import { byCause, type Cause } from './causes.ts';
import { alsoRight, billedBy, type Charged, insteadOf, type Reading } from './charged.ts';
import type { Cube, CubeRow } from './cube.ts';
import { isWithin, type MonthSpan } from './cutoffs.ts';
import type { Candidate, Part } from './explanation.ts';
import { cellKey } from './pairing.ts';
import { cellText } from './reasons.ts';
import type { Hypothesis } from './readings.ts';

/** A part that is plain to see, and stands for no hypothesis. */
export const certainOf = (cause: Cause, subject: string): Part => ({ cause, subject, readings: [] });

/** A hypothesis of a reading, `null` = its span; with the part that it is, and all that it may be instead. */
type Member = { readonly part: Part; readonly among: readonly Candidate[]; readonly reading: Reading };

/** The hypotheses of a reading in the order in which they are applied, each with those before it. */
export function membersOf(charged: Charged, reading: Reading): Member[] {
  const [own] = charged.spans;
  const members = [...(reading.span === own ? [] : [null]), ...reading.decisions].map((member) => {
    const instead = insteadOf(charged, reading, member);
    const readings = member === null ? reading.span.reading : [member];
    const billed = billedBy(charged, reading).join();
    const named = instead.map((one) => ({ one, hypotheses: addedBy(one, reading, member) }));
    const isSame = ({ one, hypotheses }: (typeof named)[number]): boolean =>
      hypotheses[0]?.cause === readings[0]?.cause && (member === null || billedBy(charged, one).join() === billed);
    const same = named.filter(isSame).map(({ hypotheses }) => hypotheses);
    const others = named.filter((one) => !isSame(one)).map(({ hypotheses }) => hypotheses);
    const part = partOf([readings, ...same.filter((one) => one !== readings)]);
    return { member, part, among: others.length === 0 ? [] : [[part], ...others.map((one) => [partOf([one])])] };
  });
  const inOrder = members.sort((a, b) => byCause(a.part, b.part));
  return inOrder.map(({ part, among }, index) => {
    const applied = inOrder.slice(0, index + 1).map(({ member }) => member);
    const span = applied.includes(null) ? reading.span : (own ?? reading.span);
    return { part, among, reading: { span, decisions: applied.filter((one) => one !== null) } };
  });
}

/** What a reading has in place of a hypothesis of another one. */
function addedBy(one: Reading, reading: Reading, member: Hypothesis | null): readonly Hypothesis[] {
  const added = one.decisions.filter((decision) => !reading.decisions.includes(decision));
  if (added.length > 0) return added;
  return one.span === reading.span && member !== null ? [] : one.span.reading;
}

type Single = { readonly row: CubeRow; readonly index: number; readonly isBilled: boolean };

/**
 * Says of each row why single attempts of it differ. Few of them may all be what some hypothesis is about: too few to
 * tell.
 *
 * @returns by the places of rows; what is not among them is unexplained.
 */
export function singleParts(
  charged: Charged,
  reading: Reading,
  rows: readonly Single[],
): Map<number, Omit<Member, 'reading'>> {
  const { cube, spans } = charged;
  const chargedCells = new Set(cube.rows.flatMap((row) => (row.usage?.charged ? [cellKey(row)] : [])));
  const plain = rows.map((one) => ({
    ...one,
    part: chargedCells.has(cellKey(one.row))
      ? plainPart(one, spans, cube.basis)
      : certainOf('usage_not_billed', cellText(one.row)),
  }));
  const doubted = (isBilled: boolean) =>
    plain.filter(
      (one) =>
        one.isBilled === isBilled &&
        chargedCells.has(cellKey(one.row)) &&
        (!one.part || one.part.cause === 'usage_not_billed'),
    );
  const parts = new Map<number, Omit<Member, 'reading'>>(
    plain.flatMap(({ index, part }) => (part ? [[index, { part, among: [] }] as const] : [])),
  );
  for (const some of [doubted(true), doubted(false)]) {
    const others =
      some.length === 0
        ? []
        : alsoRight(
            charged,
            reading,
            some.map(({ index }) => index),
          );
    const named = others.map((one): Candidate => [partOf([addedBy(one, reading, null)])]);
    for (const { index, part } of named.length === 0 ? [] : some) {
      const first = part ?? named[0]?.[0];
      if (first) parts.set(index, { part: first, among: part ? [[part], ...named] : named });
    }
  }
  return parts;
}

/** Why single attempts differ, as far as each tells by itself. */
function plainPart({ row, isBilled }: Single, spans: readonly MonthSpan[], basis: Cube['basis']): Part | undefined {
  const { late, counter, invoiced, taskType, code } = row;
  const isInBooks = late === 'no' || (late === 'came') === (basis === 'restated');
  if (!isInBooks) return certainOf('late', 'since the close');
  if (isBilled)
    return counter === 'not_charged'
      ? certainOf('counter', 'attemptsInvoiced')
      : certainOf('usage_not_billed', cellText(row));
  if (invoiced === null) return certainOf('unclassified', `${taskType}/${code ?? 'success'}`);
  const [isInMonth, ...isInOther] = spans.map((span) => isWithin(row, span));
  // Far from the edges of the month, no time zone and no other time of the transaction has it in this month.
  if (!isInMonth && invoiced) return isInOther.includes(true) ? certainOf('cutoff', 'of another month') : undefined;
  return counter === 'charged' ? certainOf('counter', 'attemptsInvoiced') : undefined;
}
