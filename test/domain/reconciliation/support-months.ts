/**
 * Months for the tests of explaining: attempts with their times, codes, levels and flags, in a model of its own. It
 * shares no code with what is tested, so that their agreement means something.
 */

/** Numbers from 0 to below 1 that are the same for the same seed (mulberry32). */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)]!;

/** One of several by their weights. */
function weighted<T>(random: () => number, from: readonly (readonly [T, number])[]): T {
  let left = random() * from.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [one, weight] of from) {
    left -= weight;
    if (left < 0) return one;
  }
  return from[0]![0];
}

export type ModelAttempt = {
  readonly type: 'document_scan' | 'face_liveness' | 'face_match';
  readonly level: string | null;
  readonly code: string | null;
  /** What the documented rules say. */
  readonly own: boolean | null;
  readonly linked: boolean;
  readonly failed: boolean;
  readonly abandoned: boolean;
  readonly late: boolean;
  /** The vendor's counter says the opposite of `own`. */
  readonly counterDiffers: boolean;
  readonly at: number;
  readonly created: number;
  readonly completed: number;
};

export type ModelMonth = {
  readonly period: string;
  readonly timeZone: string;
  readonly basis: 'closed' | 'restated';
  readonly attempts: readonly ModelAttempt[];
  /** Invoiced attempts of earlier months by task type and level. */
  readonly earlier: readonly { period: string; type: ModelAttempt['type']; level: string | null; units: number }[];
};

const scanCodes: readonly (readonly [string | null, number, boolean | null])[] = [
  [null, 62, true],
  ['unknown_type_front', 9, false],
  ['unknown_type_back', 5, false],
  ['text_fields_analysis_failed', 6, true],
  ['front_side_provided_back_side_required', 5, true],
  ['back_side_provided_front_side_required', 2.5, true],
  ['field_validation_failed', 3, true],
  ['expiration_criteria_not_met', 2.5, true],
  ['age_criteria_not_met', 1.2, true],
  ['unable_to_determine_date_of_expiry', 1, true],
  ['unable_to_determine_age', 0.6, true],
  ['processing', 0.4, false],
  ['mrz_checksum_failed', 1, null],
  ['image_too_dark', 0.5, null],
];

const hour = 3_600_000;
const day = 24 * hour;

/** The offset of a time zone from UTC at an instant, in minutes. */
export function offsetAt(timeZone: string, at: number): number {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  const name = format.formatToParts(at).find(({ type }) => type === 'timeZoneName')!.value;
  const match = /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(name)!;
  return (match[1] === '-' ? -1 : 1) * (Number(match[2] ?? 0) * 60 + Number(match[3] ?? 0));
}

/** When a day begins in a time zone: midnight by the offset that is in force then. */
export function dayStart(date: string, timeZone: string): number {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  const guess = midnight - offsetAt(timeZone, midnight) * 60_000;
  return midnight - offsetAt(timeZone, guess) * 60_000;
}

export const monthAfter = (period: string): string =>
  new Date(Date.parse(`${period}-15T00:00:00Z`) + 30 * day).toISOString().slice(0, 7);

export const monthBefore = (period: string): string =>
  new Date(Date.parse(`${period}-15T00:00:00Z`) - 30 * day).toISOString().slice(0, 7);

/** A month with about as many attempts of its own, and those of three days before and after it. */
export function modelMonth(seed: number, size: number): ModelMonth {
  const random = chance(seed);
  const period = `2026-${String(1 + Math.floor(random() * 12)).padStart(2, '0')}`;
  const timeZone = pick(random, ['UTC', 'Europe/Amsterdam', 'Europe/Amsterdam', 'America/New_York', 'Asia/Kolkata']);
  const basis = pick(random, ['closed', 'restated'] as const);
  const start = dayStart(`${period}-01`, timeZone) - 3 * day;
  const end = dayStart(`${monthAfter(period)}-01`, timeZone) + 3 * day;
  const attempts: ModelAttempt[] = [];
  const wanted = Math.round((size * (end - start)) / (end - start - 6 * day));
  while (attempts.length < wanted) attempts.push(...transaction(random, start, end));
  const earlier = Array.from({ length: 12 }, (_, back) => back + 1).flatMap((back) => {
    const earlierPeriod = new Date(Date.UTC(Number(period.slice(0, 4)), Number(period.slice(5)) - 1 - back, 15))
      .toISOString()
      .slice(0, 7);
    return cellsOf().map(({ type, level, share }) => ({
      period: earlierPeriod,
      type,
      level,
      units: Math.round(size * share * (0.6 + 0.8 * random())),
    }));
  });
  return { period, timeZone, basis, attempts, earlier };
}

const cellsOf = () =>
  [
    ['document_scan', 'advanced', 0.35],
    ['document_scan', 'basic', 0.12],
    ['document_scan', null, 0.06],
    ['face_liveness', null, 0.2],
    ['face_match', null, 0.12],
  ].map(([type, level, share]) => ({
    type: type as ModelAttempt['type'],
    level: level as string | null,
    share: share as number,
  }));

/** More happens by day than at night, and on weekdays. */
function timeIn(random: () => number, start: number, end: number): number {
  for (;;) {
    const at = Math.floor(start + random() * (end - start));
    const [hourOfDay, weekday] = [new Date(at).getUTCHours(), new Date(at).getUTCDay()];
    const busy = (hourOfDay >= 7 && hourOfDay < 20 ? 1 : 0.25) * (weekday === 0 || weekday === 6 ? 0.5 : 1);
    if (random() < busy) return at;
  }
}

function transaction(random: () => number, start: number, end: number): ModelAttempt[] {
  const created = timeIn(random, start, end);
  const abandoned = random() < 0.14;
  const common = {
    failed: random() < 0.05,
    abandoned,
    late: random() < 0.01,
  };
  const level = weighted(random, [
    ['advanced', 65],
    ['basic', 25],
    [null, 10],
  ] as const);
  const scans = weighted(random, [
    [1, 70],
    [2, 20],
    [3, 10],
  ] as const);
  let at = created;
  const listed = Array.from({ length: scans }, () => {
    at += Math.floor(20_000 + random() * 400_000);
    const [code, , own] = weighted(
      random,
      scanCodes.map((one) => [one, one[1]] as const),
    );
    return { code, own, at, linked: random() < 0.08, counterDiffers: own !== null && random() < 0.006 };
  });
  const done = at + Math.floor(30_000 + random() * 900_000);
  const completed = abandoned ? created + Math.floor((1 + random() * 23) * hour) : done;
  const scanned = listed.map((scan): ModelAttempt => ({
    ...common,
    ...scan,
    type: 'document_scan',
    level,
    created,
    completed,
  }));
  const faces: ModelAttempt['type'][] =
    random() < 0.45 ? (random() < 0.6 ? ['face_liveness', 'face_match'] : ['face_liveness']) : [];
  const executed = faces.map((type): ModelAttempt => ({
    ...common,
    type,
    level: null,
    code: random() < 0.06 ? 'failed' : null,
    own: true,
    linked: false,
    counterDiffers: false,
    // A face task has the time of the completion; without one, that of the last scan stands in.
    at: abandoned ? at : completed,
    created,
    completed,
  }));
  return [...scanned, ...executed];
}
