import { startOfDay } from './billing-month.ts';

/** In force from the start of `effectiveFrom` until the start of `effectiveTo` (`null` = open end), both calendar days. */
export type Effective = { readonly effectiveFrom: string; readonly effectiveTo: string | null };

/**
 * What is wrong with the dates of entries that follow one another for the same key: spans turned round, gaps, overlaps.
 *
 * @param subject how messages name the key, e.g. `document_scan, level advanced`.
 */
export function effectiveDateProblems(entries: readonly Effective[], subject: string): string[] {
  const problems: string[] = [];
  const inOrder = [...entries].sort((a, b) => (a.effectiveFrom < b.effectiveFrom ? -1 : 1));
  for (const { effectiveFrom, effectiveTo } of inOrder)
    if (effectiveTo !== null && effectiveTo <= effectiveFrom)
      problems.push(`${subject}: effective_to ${effectiveTo} is not after effective_from ${effectiveFrom}`);
  for (const [index, next] of inOrder.entries()) {
    const previous = inOrder[index - 1];
    if (!previous) continue;
    const end = previous.effectiveTo;
    if (end === null || end > next.effectiveFrom)
      problems.push(
        `${subject}: overlap from ${next.effectiveFrom}, where the entry from ${previous.effectiveFrom} ${end === null ? 'has no end' : `ends only on ${end}`}`,
      );
    else if (end < next.effectiveFrom) problems.push(`${subject}: gap from ${end} to ${next.effectiveFrom}`);
  }
  return problems;
}

/** The entry in force at an instant, `undefined` where there is none. */
export function inForceAt<T extends Effective>(entries: readonly T[], instant: Date, timeZone: string): T | undefined {
  return entries.find(
    ({ effectiveFrom, effectiveTo }) =>
      startOfDay(effectiveFrom, timeZone) <= instant &&
      (effectiveTo === null || instant < startOfDay(effectiveTo, timeZone)),
  );
}

/** All instants strictly between `start` and `end` at which some entry begins or ends, in order, each once. */
export function boundariesWithin(entries: readonly Effective[], start: Date, end: Date, timeZone: string): Date[] {
  const days = new Set(entries.flatMap((entry) => [entry.effectiveFrom, entry.effectiveTo ?? entry.effectiveFrom]));
  return [...days]
    .map((day) => startOfDay(day, timeZone))
    .filter((instant) => instant > start && instant < end)
    .sort((a, b) => a.getTime() - b.getTime());
}
