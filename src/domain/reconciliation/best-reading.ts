import { billedBy, type Charged, type Reading } from './charged.ts';
import type { Hypothesis } from './readings.ts';

/** How many attempts a reading has wrong: those that it bills and the statement does not, and the other way round. */
type Misses = { readonly tooMany: number; readonly tooFew: number };

/** What a reading bills, of attempts that are charged or not. */
type Background = Misses & { readonly billed: number; readonly notBilled: number };

function backgroundOf({ counts }: Charged, billed: Uint8Array): Background {
  let [tooMany, tooFew, all, none] = [0, 0, 0, 0];
  for (const [index, { all: count, charged }] of counts.entries())
    if (billed[index] === 1) {
      all += count;
      tooMany += count - charged;
    } else {
      none += count;
      tooFew += charged;
    }
  return { tooMany, tooFew, billed: all, notBilled: none };
}

/** What changes between two readings: attempts that the statement agrees with, added or taken away, and others. */
type Gain = { readonly added: number; readonly takenAway: number; readonly wrong: number };

function gainOf({ counts }: Charged, before: Uint8Array, after: Uint8Array): Gain {
  let [added, takenAway, wrong] = [0, 0, 0];
  for (const [index, { all, charged }] of counts.entries()) {
    if (before[index] === after[index]) continue;
    if (after[index] === 1) {
      added += charged;
      wrong += all - charged;
    } else {
      takenAway += all - charged;
      wrong += charged;
    }
  }
  return { added, takenAway, wrong };
}

const net = ({ added, takenAway, wrong }: Gain): number => added + takenAway - wrong;

/** Of four attempts that a hypothesis is about, three and more must be charged as it says. */
const mostWrong = 0.25;
/** As if one of that many attempts had been seen to differ by itself: a month may leave none to compare with. */
const foreknown = 20;
/** As unlikely must it be that some hypothesis is right about its attempts by chance. */
const chance = 0.002;

/**
 * Whether that many attempts are charged as some hypothesis says by no chance: single attempts may be charged, or not,
 * for reasons of their own, as often as they are under the reading that has the hypothesis.
 */
function isNoChance(
  { spans, decisions }: Charged,
  gain: Gain,
  { tooMany, tooFew, billed, notBilled }: Background,
): boolean {
  const right = gain.added + gain.takenAway;
  if (right === 0 || gain.wrong > right * mostWrong) return false;
  const rate = (misses: number, of: number) => Math.log(Math.min(1, (misses + 1) / (of + foreknown)));
  const tries = Math.log(spans.length + decisions.length);
  const ways = gain.wrong * Math.log(right + gain.wrong);
  return (
    tries + ways + gain.takenAway * rate(tooMany, billed) + gain.added * rate(tooFew, notBilled) < Math.log(chance)
  );
}

const costOf = ({ span, decisions }: Reading): number => span.reading.length + decisions.length;

/** Readings with one thing changed. */
const neighbours = ({ shownSpans, decisions }: Charged, reading: Reading): Reading[] => [
  ...shownSpans.filter((span) => span !== reading.span).map((span) => ({ ...reading, span })),
  ...decisions
    .filter((one) => !reading.decisions.includes(one))
    .map((one) => ({ ...reading, decisions: [...reading.decisions, one] })),
];

/**
 * Finds the reading under which the month is what the usage statement charges, but for single attempts: hypotheses are
 * added as long as one is right about its attempts, and by no chance; each is kept only if it is needed.
 */
export function readingOf(charged: Charged): Reading {
  const [own] = charged.spans;
  if (!own) throw new RangeError('a month has its own span');
  let reading: Reading = { span: own, decisions: [] };
  for (;;) {
    const next = better(charged, reading) ?? betterByTwo(charged, reading);
    if (!next) return withoutNeedless(charged, reading);
    reading = next;
  }
}

type Tried = { readonly reading: Reading; readonly gain: number; readonly cost: number };

function triedFrom(charged: Charged, from: Reading, to: readonly Reading[]): Tried[] {
  const before = billedBy(charged, from);
  return to.flatMap((reading) => {
    const after = billedBy(charged, reading);
    const gain = gainOf(charged, before, after);
    if (net(gain) <= 0 || !isNoChance(charged, gain, backgroundOf(charged, after))) return [];
    return [{ reading, gain: net(gain), cost: costOf(reading) }];
  });
}

const best = (tried: readonly Tried[]): Reading | undefined =>
  [...tried].sort((a, b) => b.gain - a.gain || a.cost - b.cost)[0]?.reading;

const better = (charged: Charged, reading: Reading): Reading | undefined =>
  best(triedFrom(charged, reading, neighbours(charged, reading)));

/** Two hypotheses may each be right together only. Those that are right about nothing are not tried. */
function betterByTwo(charged: Charged, reading: Reading): Reading | undefined {
  const before = billedBy(charged, reading);
  const some = neighbours(charged, reading).filter((one) => {
    const { added, takenAway } = gainOf(charged, before, billedBy(charged, one));
    return added + takenAway > 0;
  });
  const decisions = some.filter(({ span }) => span === reading.span).map((one) => one.decisions.slice(-1));
  const pairs = some.flatMap((one) =>
    decisions
      .filter(([added]) => added && !one.decisions.includes(added))
      .map((added) => ({ ...one, decisions: [...one.decisions, ...added] })),
  );
  return best(triedFrom(charged, reading, pairs));
}

function withoutNeedless(charged: Charged, reading: Reading): Reading {
  const missesOf = (one: Reading): number => {
    const { tooMany, tooFew } = backgroundOf(charged, billedBy(charged, one));
    return tooMany + tooFew;
  };
  let [kept, misses] = [reading, missesOf(reading)];
  for (const one of reading.decisions) {
    const without = { ...kept, decisions: kept.decisions.filter((other) => other !== one) };
    const left = missesOf(without);
    if (left <= misses) [kept, misses] = [without, left];
  }
  const own = charged.spans[0] ?? kept.span;
  return missesOf({ ...kept, span: own }) <= misses ? { ...kept, span: own } : kept;
}

/**
 * What else may stand in a reading in place of one of its hypotheses (`null` = the span), without getting more attempts
 * wrong.
 */
export function insteadOf(charged: Charged, reading: Reading, member: Hypothesis | null): Reading[] {
  const own = charged.spans[0] ?? reading.span;
  const without: Reading = {
    span: member === null ? own : reading.span,
    decisions: reading.decisions.filter((one) => one !== member),
  };
  const misses = (one: Reading): number => {
    const { tooMany, tooFew } = backgroundOf(charged, billedBy(charged, one));
    return tooMany + tooFew;
  };
  const most = misses(reading);
  return neighbours(charged, without).filter(
    (one) =>
      !(member && one.decisions.includes(member)) &&
      (member === null || one.span === without.span || without.span === own) &&
      misses(one) <= most,
  );
}

/** Readings with one more hypothesis that is right about all attempts it is about, and about all of some rows. */
export function alsoRight(charged: Charged, reading: Reading, rows: readonly number[]): Reading[] {
  const before = billedBy(charged, reading);
  return neighbours(charged, reading).filter((one) => {
    const after = billedBy(charged, one);
    return gainOf(charged, before, after).wrong === 0 && rows.every((index) => after[index] !== before[index]);
  });
}
