import type { World } from './options.ts';
import { at, chance, intBetween } from './random.ts';
import type { Random } from './random.ts';

/** When the events of one transaction happen. */
export type Timeline = {
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly scanMs: readonly number[];
  /** When each executed face task was executed. */
  readonly faceMs: readonly number[];
  readonly completedMs: number | null;
};

export type TimelineShape = {
  readonly scans: number;
  readonly executedFaces: number;
  readonly isCompleted: boolean;
};

/** Of the first transactions, every tenth has an event this close to a start or end of the month. */
const edgeEvery = 10;
const edgesWithin = 3000;
const edgePosition = 3;
const edgeDeltasMs = [-1, 0, 1, -1000, 1000] as const;
const edgeAnchors = ['created', 'last_scan', 'end'] as const;

/**
 * Places a transaction anywhere in the month, or at its start or end. A transaction that was abandoned after an
 * executed face task is entirely within one month: no answer says when such a task was executed, so its month must not
 * depend on that.
 */
export function drawTimeline(world: World, index: number, random: Random, shape: TimelineShape): Timeline {
  const lifeSeconds = intBetween(random, 1, 24) * 3600;
  const { scans, faces, end } = drawOffsets(random, shape, lifeSeconds);
  const monthSeconds = Math.floor((world.toMs - world.fromMs) / 1000);
  let createdMs = world.fromMs + intBetween(random, 0, monthSeconds - 1) * 1000;
  if (index < edgesWithin && index % edgeEvery === edgePosition)
    createdMs = edgeStart(world, index, { lastScan: scans.at(-1) ?? 0, end });
  if (!shape.isCompleted && shape.executedFaces > 0)
    createdMs = crossedBoundary(world, createdMs, createdMs + lifeSeconds * 1000) ?? createdMs;
  const after = (seconds: number): number => createdMs + seconds * 1000;
  return {
    createdMs,
    expiresMs: after(lifeSeconds),
    scanMs: scans.map(after),
    faceMs: faces.map(after),
    completedMs: shape.isCompleted ? after(end) : null,
  };
}

/** The start or end of the month that is after `firstMs` and not after `lastMs`, if any. */
export function crossedBoundary(world: World, firstMs: number, lastMs: number): number | null {
  return [world.fromMs, world.toMs].find((boundary) => firstMs < boundary && boundary <= lastMs) ?? null;
}

type Offsets = { readonly scans: readonly number[]; readonly faces: readonly number[]; readonly end: number };

/** Seconds after `created`: scans, then face tasks, then the end, at least 10 s apart and before `expires`. */
function drawOffsets(random: Random, shape: TimelineShape, lifeSeconds: number): Offsets {
  const scans: number[] = [];
  const faces: number[] = [];
  let offset = intBetween(random, 20, 600);
  for (let scan = 0; scan < shape.scans; scan += 1) {
    scans.push(offset);
    offset += intBetween(random, 15, 180);
  }
  for (let face = 0; face < shape.executedFaces; face += 1) {
    faces.push(offset);
    offset += intBetween(random, 10, 60);
  }
  // Some people come back hours later.
  const stretch = chance(random, 0.15) ? intBetween(random, 1, Math.floor((lifeSeconds - 1) / offset)) : 1;
  const stretched = (seconds: number): number => seconds * stretch;
  return { scans: scans.map(stretched), faces: faces.map(stretched), end: stretched(offset) };
}

/** A `created` that puts one event next to a month's start or end. 300 transactions cover all combinations. */
function edgeStart(world: World, index: number, offsets: { lastScan: number; end: number }): number {
  const combination = Math.floor(index / edgeEvery);
  const boundaryMs = combination % 2 === 0 ? world.toMs : world.fromMs;
  const turn = Math.floor(combination / 2);
  const anchor = at(edgeAnchors, turn % edgeAnchors.length);
  const offsetSeconds = { created: 0, last_scan: offsets.lastScan, end: offsets.end }[anchor];
  return boundaryMs + at(edgeDeltasMs, turn % edgeDeltasMs.length) - offsetSeconds * 1000;
}
