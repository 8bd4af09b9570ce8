import { monthBounds } from '../month.ts';
import type { World } from '../options.ts';
import { at, intBetween, pick, randomStream, uuid } from '../random.ts';
import type { Random } from '../random.ts';
import type { Attempt } from './attempts.ts';
import { type BillingMistake, billingMistakes } from './mistakes.ts';

/** Apart from the channels of transactions and of HTTP faults. */
const firstChannel = 6100;
/** As many single attempts are charged wrongly, so that those missing and those charged twice can offset each other. */
const singles = 4;
/** So far apart from most months' zones that attempts change sides. */
const otherZones = ['Asia/Tokyo', 'America/Los_Angeles', 'Asia/Kolkata', 'America/New_York'];

/** The attempts that the vendor charges for a month, in order of time. What it charges twice is there twice. */
export function chargedAttempts(
  world: World,
  attempts: readonly Attempt[],
  month: string,
  mistakes: ReadonlySet<BillingMistake>,
): Attempt[] {
  const randomFor = (mistake: BillingMistake): Random =>
    randomStream(world.words, -1, firstChannel + billingMistakes.indexOf(mistake));
  const zone = mistakes.has('cutoff')
    ? pick(
        randomFor('cutoff'),
        otherZones.filter((one) => one !== world.timeZone),
      )
    : world.timeZone;
  const { fromMs, toMs } = monthBounds(month, zone);
  const inMonth = attempts.filter(({ atMs }) => fromMs <= atMs && atMs < toMs);
  const isCharged = decisionOf(attempts, mistakes, randomFor('rule'));
  const charged = inMonth.filter(isCharged);
  // What is wrong with a single attempt is beside what the counter says: with both, nobody could tell which it is.
  const isCountedOtherwise = countedOtherwise(attempts);
  const busiest = busiestLine(charged.filter((one) => !isCountedOtherwise.has(one)));
  const some = (mistake: BillingMistake, from: readonly Attempt[]): Attempt[] =>
    mistakes.has(mistake) ? shuffled(randomFor(mistake), from).slice(0, singles) : [];
  const missing = new Set(some('usage_not_billed', busiest));
  const twice = some(
    'billed_twice',
    busiest.filter((one) => !missing.has(one)),
  );
  const ofNobody = some('usage_unknown', busiest);
  const ids = randomFor('usage_unknown');
  return [
    ...charged.filter((one) => !missing.has(one)),
    ...twice,
    ...ofNobody.map((one) => ({ ...one, transactionId: uuid(ids), attempt: 1 })),
  ].sort((a, b) => a.atMs - b.atMs || (a.transactionId < b.transactionId ? -1 : 1));
}

/** Decides as documented, but for the mistakes: a rule, then the counter, then whole kinds of attempts. */
function decisionOf(
  attempts: readonly Attempt[],
  mistakes: ReadonlySet<BillingMistake>,
  random: Random,
): (attempt: Attempt) => boolean {
  const turned = mistakes.has('rule') ? turnedCode(attempts, random) : undefined;
  const isRuled = (one: Attempt): boolean =>
    one.taskType === 'document_scan' && one.code !== null && one.code === turned
      ? one.invoiced === false
      : one.invoiced === true;
  const otherwise = mistakes.has('counter') ? countedOtherwise(attempts) : new Set<Attempt>();
  return (one) => {
    if (mistakes.has('abandoned') && one.isAbandoned) return false;
    if (mistakes.has('unclassified') && one.invoiced === null) return true;
    return isRuled(one) !== otherwise.has(one);
  };
}

/** A code that is not invoiced, and that there are attempts of. */
function turnedCode(attempts: readonly Attempt[], random: Random): string | undefined {
  const ofCompleted = attempts.filter((one) => one.invoiced === false && !one.isAbandoned);
  const codes = [...new Set(ofCompleted.flatMap(({ code }) => (code === 'processing' ? [] : (code ?? []))))].sort();
  return codes.length === 0 ? undefined : pick(random, codes);
}

/**
 * Where the running total differs from the decisions, the last attempts of the task answer for it. Whether it counts
 * undocumented codes is another question, so that tasks with one are left out.
 */
function countedOtherwise(attempts: readonly Attempt[]): Set<Attempt> {
  const scans = attempts.filter(({ counter }) => counter !== null);
  const byTransaction = Map.groupBy(scans, ({ transactionId }) => transactionId);
  return new Set(
    [...byTransaction.values()].flatMap((ofTask) => {
      if (ofTask.some(({ invoiced }) => invoiced === null)) return [];
      const more = (ofTask[0]?.counter ?? 0) - ofTask.filter(({ invoiced }) => invoiced === true).length;
      const changing = ofTask.filter(({ invoiced }) => (invoiced === true) === more < 0);
      return more === 0 ? [] : changing.slice(-Math.abs(more));
    }),
  );
}

/** The attempts of the task type and level that has most. */
function busiestLine(charged: readonly Attempt[]): Attempt[] {
  const lines = [...Map.groupBy(charged, ({ taskType, level }) => `${taskType} ${level ?? ''}`).values()];
  return lines.sort((a, b) => b.length - a.length)[0] ?? [];
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const rest = [...list];
  return list.map(() => {
    const [taken = at(list, 0)] = rest.splice(intBetween(random, 0, rest.length - 1), 1);
    return taken;
  });
}
