import { startOfDay } from '../billing-month.ts';
import type { Cube, TimeOfAttempt } from './cube.ts';
import type { Hypothesis } from './readings.ts';
import type { Tally } from './tally.ts';
import { midnightsIn } from './zones.ts';

/** One way of telling which attempts a month has, with every hypothesis that comes to it. */
export type CutOff = {
  /** Sets of hypotheses of the same cost, any of which has this effect. Of the books' own way, one empty set. */
  readonly readings: readonly (readonly Hypothesis[])[];
  readonly cost: number;
  /** Per stretch and class, and per class, how many attempts the month has. */
  readonly counts: readonly Int32Array[];
  readonly totals: Int32Array;
};

/** The ways to cut off a month that have different effects, that of the books first, and then the cheapest. */
export function cutOffsOf(
  cube: Cube,
  tally: Tally,
  hypotheses: readonly Hypothesis[],
  days: readonly string[],
  timeZone: string,
): CutOff[] {
  const places = new Map(cube.marks.map((mark, index) => [mark.getTime(), index]));
  const known = new Map<string, CutOff>();
  for (const reading of readingsOf(hypotheses)) {
    const edges = edgesOf(reading, days, timeZone).map((at) => places.get(at.getTime()));
    const counts = edges
      .slice(1)
      .map((to, index) => tally.countsBetween(timeOf(reading), placeIn(edges[index]), placeIn(to)));
    const key = counts.map((one) => one.join()).join(' ');
    const same = known.get(key);
    if (!same) known.set(key, { readings: [reading], cost: reading.length, counts, totals: added(counts) });
    else if (same.cost === reading.length) known.set(key, { ...same, readings: [...same.readings, reading] });
  }
  return [...known.values()];
}

/** No hypothesis; each zone and each time; then both together. */
function readingsOf(hypotheses: readonly Hypothesis[]): Hypothesis[][] {
  const zones = hypotheses.filter(({ change }) => change.of === 'zone');
  const times = hypotheses.filter(({ change }) => change.of === 'time');
  const both = zones.flatMap((zone) => times.map((time) => [zone, time]));
  return [[], ...zones.map((one) => [one]), ...times.map((one) => [one]), ...both];
}

function timeOf(reading: readonly Hypothesis[]): TimeOfAttempt {
  for (const { change } of reading) if (change.of === 'time') return change.time;
  return 'attempt';
}

/** When the stretches of a month begin, and when the last one ends. Prices begin at midnight where the month does. */
function edgesOf(reading: readonly Hypothesis[], days: readonly string[], timeZone: string): Date[] {
  for (const { change } of reading) if (change.of === 'zone') return midnightsIn(change.zone, days);
  return days.map((day) => startOfDay(day, timeZone));
}

function placeIn(mark: number | undefined): number {
  if (mark === undefined) throw new RangeError('A cube has the marks that cubeMarks gives for its month and prices.');
  return mark;
}

function added(counts: readonly Int32Array[]): Int32Array {
  const [first = new Int32Array(), ...others] = counts;
  const total = first.slice();
  for (const other of others) for (const [at, count] of other.entries()) total[at] = (total[at] ?? 0) + count;
  return total;
}

/** Whether a way to cut off holds all hypotheses of another one, and more. */
export const refines = (fine: CutOff, coarse: CutOff): boolean =>
  fine.cost > coarse.cost &&
  fine.readings.some((reading) =>
    coarse.readings.some((one) => one.every((hypothesis) => reading.includes(hypothesis))),
  );
