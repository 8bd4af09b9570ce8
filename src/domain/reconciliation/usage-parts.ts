import { partOf } from './candidates.ts';
import { byCause, type Cause } from './causes.ts';
import { insteadOf } from './best-reading.ts';
import { billedBy, type Charged, type Reading } from './charged.ts';
import type { Candidate, Part } from './explanation.ts';
import type { Hypothesis } from './readings.ts';

/** A part that is plain to see, and stands for no hypothesis. */
export const certainOf = (cause: Cause, subject: string): Part => ({ cause, subject, readings: [] });

/** A part, and where it is not certain, all that it may be. */
export type Told = { readonly part: Part; readonly among: readonly Candidate[] };

/** A hypothesis of a reading, `null` = its span, as it is told. */
type Member = Told & { readonly reading: Reading };

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
export function addedBy(one: Reading, reading: Reading, member: Hypothesis | null): readonly Hypothesis[] {
  const added = one.decisions.filter((decision) => !reading.decisions.includes(decision));
  if (added.length > 0) return added;
  return one.span === reading.span && member !== null ? [] : one.span.reading;
}
