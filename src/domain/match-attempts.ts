import type { Attempt } from './attempts.ts';
import type { ScanFacts } from './facts.ts';

/** Which attempt each entry of a list is. */
export type Matching<Known> = {
  /** Each entry with the attempt that it is; every entry and every attempt is in one of them at most. */
  readonly pairs: readonly { readonly entry: ScanFacts; readonly attempt: Known }[];
  /** Entries that no attempt fits: attempts that nobody knew of. In order of their time. */
  readonly fresh: readonly ScanFacts[];
  /** Entries that were listed before in the same list, and that the vendor does not count. */
  readonly listedTwice: readonly ScanFacts[];
};

/** How many attempts there are according to the vendor. */
export type Counter = {
  /** As this answer says; `null` = it does not. */
  readonly said: { readonly attempts: number | null; readonly attemptsInvoiced: number | null };
  /** How many attempts any answer said so far. */
  readonly greatest: number;
  /** Whether an entry is invoiced by our rules. */
  readonly isInvoiced: (entry: ScanFacts) => boolean;
};

type Known = Pick<Attempt, 'ordinal' | 'attemptedAt' | 'code' | 'captureSource'> & {
  readonly formerTimes: readonly Date[];
};

/**
 * Finds out which entry of a list is which of the attempts that are known. The vendor numbers nothing, so the evidence is,
 * in this order:
 * 1. the same time, code and source, where an unknown source may be any;
 * 2. the same time and source, and one of the two is still processing: it was decided in between;
 * 3. the same time and source: its code was changed;
 * 4. the same by a time that the attempt had before;
 * 5. the same time, unless the vendor counts enough attempts for one more;
 * 6. the same code and source at another time, where the list is whole by a counter that never lagged behind a list, and
 *    there would be more attempts than it counts: the time was changed.
 *
 * Within one list every entry is an attempt of its own, also beside an identical one, unless the counter says that there
 * are fewer. From what a list omits nothing is concluded but that.
 *
 * @param entries in order of their time.
 * @param known those of the same task that were listed before, in order of their ordinals.
 */
export function matchAttempts<K extends Known>(
  entries: readonly ScanFacts[],
  known: readonly K[],
  counter: Counter,
): Matching<K> {
  const pairs: { entry: ScanFacts; attempt: K }[] = [];
  let left: Left<K> = { entries, known };
  const pair = (steps: readonly Step[], limit: () => number = () => Infinity): void => {
    for (const step of steps) {
      const found = paired(left.entries, left.known, step, limit());
      pairs.push(...found);
      left = without(left, found);
    }
  };
  /** Takes entries out, for a while. */
  const setAside = (meant: readonly ScanFacts[]): readonly ScanFacts[] => {
    const [set, before] = [new Set(meant), left.entries];
    left = { ...left, entries: before.filter((entry) => !set.has(entry)) };
    return before.filter((entry) => set.has(entry));
  };
  const beyond = setAside(repeatedIn(entries, counter));
  pair(fromTheSameSource);
  const { said, admitted } = countsOf(counter);
  const repeats = setAside(admitted === 0 ? [] : repeatsOf(entries));
  pair(fromTheSameSource.map(formerly));
  // What repeats an entry may be a twin that is known from when more were counted.
  const rest = left.entries;
  left = { ...left, entries: beyond };
  pair(asDecided);
  const twice = left.entries;
  left = { ...left, entries: rest };
  const tooMany = (): number => known.length + left.entries.length + repeats.length - admitted;
  pair(atTheSameTime, admitted === 0 ? undefined : tooMany);
  const isTrusted = said >= counter.greatest && counter.greatest >= known.length;
  if (isTrusted && entries.length - twice.length >= said) pair(atAnotherTime, tooMany);
  const surplus = Math.max(0, tooMany());
  return {
    pairs,
    fresh: [...left.entries, ...repeats.slice(surplus)].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime()),
    listedTwice: [...twice, ...repeats.slice(0, surplus)],
  };
}

type Left<K> = { readonly entries: readonly ScanFacts[]; readonly known: readonly K[] };

function without<K>({ entries, known }: Left<K>, found: readonly { entry: ScanFacts; attempt: K }[]): Left<K> {
  const [taken, gone] = [new Set(found.map(({ entry }) => entry)), new Set(found.map(({ attempt }) => attempt))];
  return {
    entries: entries.filter((entry) => !taken.has(entry)),
    known: known.filter((attempt) => !gone.has(attempt)),
  };
}

/** What this answer counts, -1 = nothing, and how many attempts there may be by any; 0 = nobody counted. */
const countsOf = ({ said: { attempts }, greatest }: Counter): { said: number; admitted: number } => ({
  said: attempts ?? -1,
  admitted: Math.max(attempts ?? 0, greatest),
});

type Likeness = { readonly timeMs: number; readonly code: string | null; readonly source: string | null };
/** What is equal of an entry and of the attempt that it is; `undefined` = this step is not for it. */
type Step = {
  readonly ofEntry: (one: Likeness) => string | undefined;
  readonly ofKnown: (one: Likeness) => string | undefined;
  /** Whether the attempt is compared by the times that it had before. */
  readonly isFormerly?: boolean;
};

const processing = 'processing';
const alike = (key: (one: Likeness) => string): Step => ({ ofEntry: key, ofKnown: key });
const only =
  (isMeant: (one: Likeness) => boolean, key: (one: Likeness) => string) =>
  (one: Likeness): string | undefined =>
    isMeant(one) ? key(one) : undefined;
const isProcessing = ({ code }: Likeness): boolean => code === processing;
const hasNoSource = ({ source }: Likeness): boolean => source === null;
const timeAndCode = ({ timeMs, code }: Likeness): string => JSON.stringify([timeMs, code]);
const timeAndSource = ({ timeMs, source }: Likeness): string => JSON.stringify([timeMs, source]);
const timeOf = ({ timeMs }: Likeness): string => String(timeMs);

/** Where one of the two has no source. */
const ofUnknownSource = (key: (one: Likeness) => string): Step[] => [
  { ofEntry: only(hasNoSource, key), ofKnown: key },
  { ofEntry: key, ofKnown: only(hasNoSource, key) },
];

/** The same in everything, or decided in between. */
const asDecided: readonly Step[] = [
  alike(({ timeMs, code, source }) => JSON.stringify([timeMs, code, source])),
  ...ofUnknownSource(timeAndCode),
  { ofEntry: timeAndSource, ofKnown: only(isProcessing, timeAndSource) },
  { ofEntry: only(isProcessing, timeAndSource), ofKnown: timeAndSource },
];
const fromTheSameSource: readonly Step[] = [...asDecided, alike(timeAndSource), ...ofUnknownSource(timeOf)];
const atTheSameTime: readonly Step[] = [alike(timeAndCode), alike(timeOf)];
const atAnotherTime: readonly Step[] = [
  alike(({ code, source }) => JSON.stringify([code, source])),
  {
    ofEntry: ({ source }) => String(source),
    ofKnown: only(isProcessing, ({ source }) => String(source)),
  },
];

const formerly = (step: Step): Step => ({ ...step, isFormerly: true });

const ofEntry = ({ createdAt, code, source }: ScanFacts): Likeness => ({ timeMs: createdAt.getTime(), code, source });
/** An attempt as it was at each of the times that a step compares. */
function likenessesOf(
  { attemptedAt, code, captureSource: source, formerTimes }: Known,
  { isFormerly }: Step,
): Likeness[] {
  const times = isFormerly ? formerTimes : [attemptedAt];
  return times.map((time) => ({ timeMs: time.getTime(), code, source }));
}

/** Pairs what has the same key, the first with the first. */
function paired<K extends Known>(
  entries: readonly ScanFacts[],
  known: readonly K[],
  step: Step,
  limit = Infinity,
): { entry: ScanFacts; attempt: K }[] {
  const keyed = known.flatMap((attempt) =>
    likenessesOf(attempt, step).map((likeness) => ({ attempt, key: step.ofKnown(likeness) })),
  );
  const byKey = Map.groupBy(keyed, ({ key }) => key);
  const taken = new Set<K>();
  const pairs: { entry: ScanFacts; attempt: K }[] = [];
  for (const entry of entries) {
    if (pairs.length >= limit) break;
    const key = step.ofEntry(ofEntry(entry));
    const found = key === undefined ? undefined : byKey.get(key)?.find(({ attempt }) => !taken.has(attempt));
    if (!found) continue;
    taken.add(found.attempt);
    pairs.push({ entry, attempt: found.attempt });
  }
  return pairs;
}

/** Entries that repeat others beyond what the vendor counts, or, where it says no more, beyond what it invoices. */
function repeatedIn(entries: readonly ScanFacts[], { said, isInvoiced }: Counter): ScanFacts[] {
  if (said.attempts !== null) return repeated(entries, said.attempts);
  return said.attemptsInvoiced === null ? [] : repeated(entries.filter(isInvoiced), said.attemptsInvoiced);
}

/**
 * Entries that repeat an earlier one in everything, as many as there are too many. Of each kind in proportion, for what
 * is listed twice is mostly the whole list.
 */
function repeated(entries: readonly ScanFacts[], counted: number): ScanFacts[] {
  if (entries.length <= counted) return [];
  const kinds = [...Map.groupBy(entries, likenessOf).values()];
  const shares = kinds.map((alike) => ({ alike, share: (alike.length * counted) / entries.length }));
  const keeps = new Map(shares.map(({ alike, share }) => [alike, Math.max(1, Math.floor(share))]));
  let left = counted - [...keeps.values()].reduce((sum, keep) => sum + keep, 0);
  for (const { alike, share } of shares.sort((a, b) => (b.share % 1) - (a.share % 1))) {
    const keep = keeps.get(alike) ?? 1;
    if (left <= 0 || keep >= alike.length || share < 1) continue;
    keeps.set(alike, keep + 1);
    left -= 1;
  }
  return kinds.flatMap((alike) => alike.slice(keeps.get(alike))).slice(0, entries.length - counted);
}

/** Entries that an earlier one of the list is like. */
const repeatsOf = (entries: readonly ScanFacts[]): ScanFacts[] =>
  [...Map.groupBy(entries, likenessOf).values()].flatMap((alike) => alike.slice(1));

const likenessOf = ({ createdAt, code, source }: ScanFacts): string =>
  JSON.stringify([createdAt.getTime(), code, source]);
