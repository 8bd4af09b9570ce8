import { startOfDay } from './billing-month.ts';

/** In force from the start of `effectiveFrom` until the start of `effectiveTo` (`null` = open end), both days. */
export type Effective = { readonly effectiveFrom: string; readonly effectiveTo: string | null };

/** A mistake in an entry's dates. `previous` is the entry that it overlaps with or leaves a gap after. */
export type DateProblem<T> = {
  readonly kind: 'reversed' | 'gap' | 'overlap';
  readonly entry: T;
  readonly previous: T | undefined;
  readonly message: string;
};

/**
 * Finds entries that end before they begin, and gaps and overlaps between entries for the same key.
 *
 * @param subject how messages name the key, e.g. `document_scan, level advanced`.
 */
export function effectiveDateProblems<T extends Effective>(entries: readonly T[], subject: string): DateProblem<T>[] {
  const problems: DateProblem<T>[] = [];
  const inOrder = [...entries].sort((a, b) => compareDays(a.effectiveFrom, b.effectiveFrom));
  for (const entry of inOrder) {
    const { effectiveFrom, effectiveTo } = entry;
    if (effectiveTo === null || effectiveTo > effectiveFrom) continue;
    const message = `${subject}: effective_to ${effectiveTo} is not after effective_from ${effectiveFrom}`;
    problems.push({ kind: 'reversed', entry, previous: undefined, message });
  }
  // The entry with the latest end so far: a short entry inside it opens no gap.
  let previous = inOrder[0];
  for (const entry of inOrder.slice(1)) {
    if (!previous) break;
    const [end, next]: [string | null, string] = [previous.effectiveTo, entry.effectiveFrom];
    if (end === null || end > next) {
      const until = end === null ? 'has no end' : `ends only on ${end}`;
      const message = `${subject}: overlap from ${next}, where the entry from ${previous.effectiveFrom} ${until}`;
      problems.push({ kind: 'overlap', entry, previous, message });
    } else if (end < next)
      problems.push({ kind: 'gap', entry, previous, message: `${subject}: gap from ${end} to ${next}` });
    if (end !== null && (entry.effectiveTo === null || entry.effectiveTo > end)) previous = entry;
  }
  return problems;
}

const compareDays = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** The entry in force at an instant, if any. */
export function inForceAt<T extends Effective>(entries: readonly T[], instant: Date, timeZone: string): T | undefined {
  return entries.find(
    ({ effectiveFrom, effectiveTo }) =>
      startOfDay(effectiveFrom, timeZone) <= instant &&
      (effectiveTo === null || instant < startOfDay(effectiveTo, timeZone)),
  );
}

/** All instants strictly between `start` and `end` at which an entry begins or ends, in order, without repeats. */
export function boundariesWithin(entries: readonly Effective[], start: Date, end: Date, timeZone: string): Date[] {
  const days = new Set(entries.flatMap((entry) => [entry.effectiveFrom, entry.effectiveTo ?? entry.effectiveFrom]));
  return [...days]
    .map((day) => startOfDay(day, timeZone))
    .filter((instant) => instant > start && instant < end)
    .sort((a, b) => a.getTime() - b.getTime());
}
