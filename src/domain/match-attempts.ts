import type { Attempt } from './attempts.ts';
import type { ScanFacts } from './facts.ts';

/** Which known attempt each entry of a list is. */
export type Matching<Known> = {
  /** Each entry and each attempt occurs at most once. */
  readonly pairs: readonly { readonly entry: ScanFacts; readonly attempt: Known }[];
  /** Entries that match no known attempt and so are new attempts, in order of time. */
  readonly fresh: readonly ScanFacts[];
  /** Entries that repeat another entry of the same list and that the vendor does not count. */
  readonly listedTwice: readonly ScanFacts[];
};

/** How many attempts there are according to the vendor. */
export type Counter = {
  /** The counts in this answer; `null` = not in it. */
  readonly said: { readonly attempts: number | null; readonly attemptsInvoiced: number | null };
  /** The greatest count of attempts in any earlier answer. */
  readonly greatest: number;
  /** Whether our rules invoice an entry. */
  readonly isInvoiced: (entry: ScanFacts) => boolean;
};

type Known = Pick<Attempt, 'ordinal' | 'attemptedAt' | 'code' | 'captureSource'> & {
  readonly formerTimes: readonly Date[];
};

/**
 * Matches the entries of a list to the known attempts. The vendor gives entries no number, so these criteria decide, in
 * this order:
 * 1. same time, code and source; an unknown source matches any;
 * 2. same time and source, and one of the two is `processing`: the vendor has decided the scan in between;
 * 3. same time and source: the vendor has changed the code;
 * 4. as 1 to 3, with a former time of the attempt;
 * 5. same time, unless the vendor's count leaves room for one more attempt;
 * 6. same code and source at another time: the vendor has changed the time. This needs a complete list, a counter that
 *    never lagged behind a list, and more attempts than the counter allows.
 *
 * Every entry of a list is an attempt of its own, even beside an identical one, unless the vendor counts fewer
 * attempts. Apart from criterion 6, an entry's absence from the list proves nothing.
 *
 * @param entries in order of time.
 * @param known the task's listed attempts so far, in order of their ordinals.
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
  /** Takes entries out of `left` and returns them. */
  const setAside = (meant: readonly ScanFacts[]): readonly ScanFacts[] => {
    const [set, before] = [new Set(meant), left.entries];
    left = { ...left, entries: before.filter((entry) => !set.has(entry)) };
    return before.filter((entry) => set.has(entry));
  };
  const uncounted = setAside(repeatedIn(entries, counter));
  pair(fromTheSameSource);
  const { said, admitted } = countsOf(counter);
  const repeats = setAside(admitted === 0 ? [] : repeatsOf(entries));
  pair(fromTheSameSource.map(byFormerTimes));
  // A repeated entry may match an identical attempt, known from an answer with a higher count.
  const rest = left.entries;
  left = { ...left, entries: uncounted };
  pair(asDecided);
  const listedTwice = left.entries;
  left = { ...left, entries: rest };
  const tooMany = (): number => known.length + left.entries.length + repeats.length - admitted;
  pair(atTheSameTime, admitted === 0 ? undefined : tooMany);
  const isTrusted = said >= counter.greatest && counter.greatest >= known.length;
  if (isTrusted && entries.length - listedTwice.length >= said) pair(atAnotherTime, tooMany);
  const surplus = Math.max(0, tooMany());
  return {
    pairs,
    fresh: [...left.entries, ...repeats.slice(surplus)].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime()),
    listedTwice: [...listedTwice, ...repeats.slice(0, surplus)],
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

/** `said`: this answer's count, -1 = none. `admitted`: the greatest count of all answers, 0 = none. */
const countsOf = ({ said: { attempts }, greatest }: Counter): { said: number; admitted: number } => ({
  said: attempts ?? -1,
  admitted: Math.max(attempts ?? 0, greatest),
});

type Likeness = { readonly timeMs: number; readonly code: string | null; readonly source: string | null };
/**
 * One matching criterion: an entry and an attempt with the same key match. `undefined` = the criterion does not apply.
 */
type Step = {
  readonly ofEntry: (one: Likeness) => string | undefined;
  readonly ofKnown: (one: Likeness) => string | undefined;
  /** Whether the attempt's former times are compared instead of its present one. */
  readonly usesFormerTimes?: boolean;
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

/** For pairs in which one side has no source. */
const ofUnknownSource = (key: (one: Likeness) => string): Step[] => [
  { ofEntry: only(hasNoSource, key), ofKnown: key },
  { ofEntry: key, ofKnown: only(hasNoSource, key) },
];

/** Equal in everything, or decided in between. */
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

const byFormerTimes = (step: Step): Step => ({ ...step, usesFormerTimes: true });

const ofEntry = ({ createdAt, code, source }: ScanFacts): Likeness => ({ timeMs: createdAt.getTime(), code, source });
/** An attempt at each of the times that a step compares. */
function likenessesOf(
  { attemptedAt, code, captureSource: source, formerTimes }: Known,
  { usesFormerTimes }: Step,
): Likeness[] {
  const times = usesFormerTimes ? formerTimes : [attemptedAt];
  return times.map((time) => ({ timeMs: time.getTime(), code, source }));
}

/** Pairs entries and attempts with equal keys, in order. */
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

/**
 * Entries that repeat others beyond the vendor's count of attempts or, without one, beyond its count of invoiced ones.
 */
function repeatedIn(entries: readonly ScanFacts[], { said, isInvoiced }: Counter): ScanFacts[] {
  if (said.attempts !== null) return repeated(entries, said.attempts);
  return said.attemptsInvoiced === null ? [] : repeated(entries.filter(isInvoiced), said.attemptsInvoiced);
}

/**
 * The surplus of entries that repeat an earlier one exactly. It is spread over the groups of equal entries in
 * proportion, because usually the whole list was listed twice.
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

/** Entries that repeat an earlier one. */
const repeatsOf = (entries: readonly ScanFacts[]): ScanFacts[] =>
  [...Map.groupBy(entries, likenessOf).values()].flatMap((alike) => alike.slice(1));

const likenessOf = ({ createdAt, code, source }: ScanFacts): string =>
  JSON.stringify([createdAt.getTime(), code, source]);
