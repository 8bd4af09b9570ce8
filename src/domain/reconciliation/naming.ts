import type { Micros } from '../money.ts';
import type { VendorInvoice } from '../vendor-invoice.ts';
import type { Effect } from './causes.ts';
import { identityOf } from './identity.ts';
import type { LineFacts } from './line-facts.ts';
import type { Reason } from './reasons.ts';

type About = Pick<Reason, 'cause' | 'subject'> & {
  readonly line: LineFacts;
  readonly effect: Effect;
  readonly amount: Micros;
};

/** What a finding is called. */
export type Name = {
  readonly id: string;
  /** What it is about: the same for all that are told apart by nothing but amount and place. */
  readonly about: string;
  /** `<invoice>:<line>`, several joined by `+`; `null` = the invoice has no such line. */
  readonly place: string | null;
};

/** A name that an earlier run gave, and what for. */
export type GivenName = Pick<Name, 'id' | 'place'> & {
  /** `null` = not known. */
  readonly about: string | null;
  readonly amount: Micros;
};

/** A finding that is to be named. */
type Nameless = {
  readonly own: readonly (string | null)[];
  readonly about: string;
  readonly place: string | null;
  readonly amount: Micros;
  /** What it was called when findings went by invoice and line, the likeliest first. */
  readonly former: readonly string[];
};

/**
 * Names findings. A finding goes by what it is about: the line of the books, effect, cause and subject. So it keeps its
 * name when another invoice charges more on the line, or the same comes under another number. Several that are about the
 * same go by their amount, too, and by invoice and line where even that is the same. What a name was given for keeps it:
 * no other of them ever has it, since somebody may have decided about it.
 *
 * @param given what earlier runs of the month gave, the last one last. Those from when a finding went by its invoice and
 * line stay.
 */
export function namesOf(
  period: string,
  invoice: VendorInvoice,
  abouts: readonly About[],
  given: readonly GivenName[],
): Name[] {
  const nameless = abouts.map((about) => namelessOf(period, invoice, about));
  const ids = new Map<Nameless, string>();
  const taken = new Set<string>();
  const byId = new Map(given.map((one) => [one.id, one]));
  const byAbout = Map.groupBy(byId.values(), ({ about }) => about);
  for (const [about, same] of Map.groupBy(nameless, (one) => one.about)) {
    const give = (one: Nameless, id: string): void => {
      ids.set(one, id);
      taken.add(id);
    };
    for (const one of same) {
      const kept = one.former.find((id) => byId.has(id) && !taken.has(id));
      if (kept !== undefined) give(one, kept);
    }
    const owners = ownersOf(same, about, byAbout.get(about) ?? [], byId).filter(({ id }) => !taken.has(id));
    const amounts = { same: timesOf(same), owners: timesOf(owners) };
    for (const keyOf of ways(amounts, same.length === 1 && owners.length === 1)) {
      const byKey = Map.groupBy(owners, keyOf);
      for (const one of same) {
        const key = ids.has(one) ? undefined : keyOf(one);
        const owner = key === undefined ? undefined : byKey.get(key)?.find(({ id }) => !taken.has(id));
        if (owner) give(one, owner.id);
      }
    }
    const isUsed = (id: string) => byId.has(id) || taken.has(id);
    for (const one of same.filter((each) => !ids.has(each))) {
      const isFirst = same.length === 1 && owners.length === 0;
      give(one, isFirst && !isUsed(about) ? about : newName(one, amounts, isUsed));
    }
  }
  return nameless.map((one) => ({ id: ids.get(one) ?? one.about, about: one.about, place: one.place }));
}

function namelessOf(period: string, { number, isJoined = false }: VendorInvoice, of: About): Nameless {
  const { line, effect, cause, subject, amount } = of;
  const { taskType, level, ownUnitPrice, vendorUnitPrice } = line;
  const why = [effect, cause, subject];
  // Each line goes by its own invoice: a second one for the month names nothing anew.
  const places = line.invoiceLine?.split('+').map((one) => (isJoined ? one : `${number}:${one}`)) ?? [];
  const prices = [ownUnitPrice, vendorUnitPrice].map((price) => price?.toString() ?? null);
  const price = ownUnitPrice ?? (taskType === null ? null : vendorUnitPrice);
  const own = [period, taskType, level, price?.toString() ?? null, ...why];
  return {
    own,
    about: identityOf(own),
    place: places.length === 0 ? null : places.join('+'),
    amount,
    former: beginnings(places).map((place) => identityOf([period, place, taskType, level, ...prices, ...why])),
  };
}

/** All places of a line, then without those that came last. */
const beginnings = (places: readonly string[]): (string | null)[] =>
  places.length === 0 ? [null] : places.map((_, index) => places.slice(0, places.length - index).join('+'));

/** The names that were given for what is about the same, with the place and amount that each was given for last. */
function ownersOf(
  same: readonly Nameless[],
  about: string,
  known: readonly GivenName[],
  byId: ReadonlyMap<string, GivenName>,
): GivenName[] {
  const first = byId.get(about);
  const owners = new Map([...known, ...(first ? [first] : [])].map((one) => [one.id, one]));
  for (const { own, place } of same) {
    // Of several that were about the same, earlier versions named all but the first by their place.
    const placed = byId.get(identityOf([...own, place]));
    if (placed) owners.set(placed.id, { ...placed, place: placed.place ?? place });
  }
  return [...owners.values()];
}

type Placed = Pick<GivenName, 'place' | 'amount'>;
/** How often there is each amount among what is to be named, and among what was. */
type Amounts = { readonly same: ReadonlyMap<Micros, number>; readonly owners: ReadonlyMap<Micros, number> };

function timesOf(all: readonly Placed[]): Map<Micros, number> {
  const times = new Map<Micros, number>();
  for (const { amount } of all) times.set(amount, (times.get(amount) ?? 0) + 1);
  return times;
}

/**
 * By what a name is found to belong to a finding, the surest way first: that is the same of both. `undefined` = it tells
 * nothing, since it may be that of several.
 */
const ways = ({ same, owners }: Amounts, isAlone: boolean): readonly ((one: Placed) => string | undefined)[] => [
  ({ place, amount }) => `${place} ${amount}`,
  ({ amount }) => (same.get(amount) === 1 && owners.get(amount) === 1 ? String(amount) : undefined),
  ({ place }) => place ?? undefined,
  () => (isAlone ? 'alone' : undefined),
];

/** A name that none ever had: by the amount if that tells it apart, else by the place, too. */
function newName({ own, amount, place }: Nameless, { same, owners }: Amounts, isUsed: (id: string) => boolean): string {
  const byAmount = [...own, String(amount)];
  if (same.get(amount) === 1 && !owners.has(amount) && !isUsed(identityOf(byAmount))) return identityOf(byAmount);
  for (let count = 1; ; count += 1) {
    const id = identityOf([...byAmount, place, ...(count === 1 ? [] : [String(count)])]);
    if (!isUsed(id)) return id;
  }
}
