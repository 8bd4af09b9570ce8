import type { Observation, ScanClass } from '../../../src/domain/rule-learning/observations.ts';
import { readRuleTables } from '../../../src/reference-data/rule-tables.ts';

/** Chances that are the same in every run. */
export function chances(seed: number) {
  let state = (seed * 2_654_435_761) >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    below: (end: number) => Math.floor(next() * end),
    oneOf: <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)]!,
  };
}

export type Code = string | null;
export const documentedCodes: readonly Code[] = readRuleTables(
  new URL('../../../rules/id-scan.json', import.meta.url).pathname,
)
  .content[0]!.rules.filter(({ taskType }) => taskType === 'document_scan')
  .map(({ outcomeCode }) => outcomeCode);
export const manyCodes: readonly Code[] = [
  ...documentedCodes,
  ...Array.from({ length: 25 - documentedCodes.length }, (_, index) => `undocumented_${index + 1}`),
];

/** What the vendor charges, which the books do not know. */
export type HiddenTable = (scan: ScanClass, day: number) => boolean;

/** @param linkedCodes how many codes are charged only where linked, or only where not. */
export function hiddenTable(seed: number, codes: readonly Code[], linkedCodes = 0): HiddenTable {
  const chance = chances(seed);
  const charged = new Map(codes.map((code) => [code, chance.next() < 0.6]));
  const byLinked = new Set(Array.from({ length: linkedCodes }, () => chance.oneOf(codes)));
  return ({ code, linked }) => (byLinked.has(code) ? charged.get(code) === (linked === true) : charged.get(code)!);
}

export type SimulatedTask = { readonly scans: readonly ScanClass[]; readonly day: number; readonly charged: number };

/** A month of tasks: half of the scans succeed, and of the codes some are several times as frequent as others. */
export function simulatedMonth(seed: number, codes: readonly Code[], charges: HiddenTable, tasks: number) {
  const chance = chances(seed + 1_000_003);
  const failures = codes.filter((code) => code !== null);
  const weights = failures.map(() => 0.4 + chance.next());
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const failure = (): Code => {
    let left = chance.next() * total;
    return failures.find((_, index) => (left -= weights[index]!) < 0) ?? failures[0]!;
  };
  return Array.from({ length: tasks }, (): SimulatedTask => {
    const level = chance.oneOf(['advanced', 'basic', 'advanced']);
    const captureSource = chance.oneOf(['camera', 'camera', 'file']);
    const scans: ScanClass[] = [];
    const another = (code: Code) =>
      scans.push({
        taskType: 'document_scan',
        code,
        level,
        linked: scans.length > 0 && chance.next() < 0.4,
        captureSource,
      });
    while (another(chance.next() < 0.45 ? null : failure()) < 6)
      if (scans.at(-1)!.code === null || chance.next() < 0.45) break;
    const day = 1 + chance.below(30);
    return { scans, day, charged: scans.filter((scan) => charges(scan, day)).length };
  });
}

export const dayText = (day: number): string => `2026-10-${String(day).padStart(2, '0')}`;

/** Tasks in the groups that the books give them in. @param byDay tasks of another day are another group. */
export function observationsOf(tasks: readonly SimulatedTask[], byDay = false): Observation[] {
  const groups = new Map<string, Observation>();
  for (const [place, { scans, day, charged }] of tasks.entries()) {
    const key = JSON.stringify([
      scans.map(({ code, level, linked, captureSource }) => [code, level, linked, captureSource].join('|')).sort(),
      charged,
      byDay ? day : null,
    ]);
    const at = new Date(`${dayText(day)}T12:00:00Z`);
    const before = groups.get(key);
    groups.set(key, {
      scans,
      charged,
      tasks: (before?.tasks ?? 0) + 1,
      firstAt: before && before.firstAt < at ? before.firstAt : at,
      lastAt: before && before.lastAt > at ? before.lastAt : at,
      firstDay: before && before.firstDay < dayText(day) ? before.firstDay : dayText(day),
      lastDay: before && before.lastDay > dayText(day) ? before.lastDay : dayText(day),
      transactionId: before?.transactionId ?? `t-${String(place).padStart(6, '0')}`,
    });
  }
  return [...groups.values()];
}
