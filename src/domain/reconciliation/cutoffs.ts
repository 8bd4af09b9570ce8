import { startOfDay } from '../billing-month.ts';
import type { Cube, CubeRow, Side, TimeOfAttempt } from './cube.ts';
import type { Hypothesis } from './readings.ts';
import type { Tally } from './tally.ts';
import { midnightsIn } from './zones.ts';

/** A span that a month may have, by one of the attempts' times: the places of marks at which its stretches begin and end. */
export type MonthSpan = {
  readonly reading: readonly Hypothesis[];
  readonly time: TimeOfAttempt;
  readonly edges: readonly number[];
};

/** One way of telling which attempts a month has, with every hypothesis that comes to it. */
export type CutOff = {
  /** Of the first reading. */
  readonly span: MonthSpan;
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
  const known = new Map<string, CutOff>();
  for (const span of spansOf(cube, hypotheses, days, timeZone)) {
    const { reading, time, edges } = span;
    const counts = edges.slice(1).map((to, index) => tally.countsBetween(time, edges[index] ?? 0, to));
    const key = counts.map((one) => one.join()).join(' ');
    const same = known.get(key);
    if (!same) known.set(key, { span, readings: [reading], cost: reading.length, counts, totals: added(counts) });
    else if (same.cost === reading.length) known.set(key, { ...same, readings: [...same.readings, reading] });
  }
  return [...known.values()];
}

/** Every span that the month has under some hypotheses, its own first. */
export function spansOf(
  { marks }: Cube,
  hypotheses: readonly Hypothesis[],
  days: readonly string[],
  timeZone: string,
): MonthSpan[] {
  const places = new Map(marks.map((mark, index) => [mark.getTime(), index]));
  return readingsOf(hypotheses).map((reading) => ({
    reading,
    time: timeOf(reading),
    edges: edgesOf(reading, days, timeZone).map((at) => placeIn(places.get(at.getTime()))),
  }));
}

/** Whether attempts are in a span. */
export function isWithin({ slots }: CubeRow, { time, edges }: MonthSpan): boolean {
  const slot = slots[time];
  return slot > (edges[0] ?? 0) && slot <= (edges.at(-1) ?? 0);
}

/** On which side of a span attempts are; `null` = in it. */
export function sideOf({ slots }: CubeRow, { time, edges }: MonthSpan): Side | null {
  if (slots[time] <= (edges[0] ?? 0)) return 'before';
  return slots[time] > (edges.at(-1) ?? 0) ? 'after' : null;
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
