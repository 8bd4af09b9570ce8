import type { VendorInvoice } from '../vendor-invoice.ts';
import type { Effect } from './causes.ts';
import { identityOf } from './identity.ts';
import type { LineFacts } from './line-facts.ts';
import type { Reason } from './reasons.ts';

type About = Pick<Reason, 'cause' | 'subject'> & { readonly line: LineFacts; readonly effect: Effect };

/**
 * Names findings, one after the other. A finding goes by what it is about: the line of the books, effect, cause and
 * subject. So it keeps its name when another invoice charges more on the line, or the same comes under another number. Of
 * several that are about the same, the later ones go by their invoice and line, too.
 *
 * @param given names that the month's findings had before. Those from when a finding went by its invoice and line stay.
 */
export function namer(
  period: string,
  { number, isJoined = false }: VendorInvoice,
  given: ReadonlySet<string>,
): (about: About) => string {
  const taken = new Set<string>();
  return ({ line, effect, cause, subject }) => {
    const { taskType, level, ownUnitPrice, vendorUnitPrice } = line;
    const why = [effect, cause, subject];
    // Each line goes by its own invoice: a second one for the month names nothing anew.
    const places = line.invoiceLine?.split('+').map((one) => (isJoined ? one : `${number}:${one}`)) ?? [];
    const prices = [ownUnitPrice, vendorUnitPrice].map((price) => price?.toString() ?? null);
    const former = beginnings(places).map((place) => identityOf([period, place, taskType, level, ...prices, ...why]));
    const price = ownUnitPrice ?? (taskType === null ? null : vendorUnitPrice);
    const own = [period, taskType, level, price?.toString() ?? null, ...why];
    const name =
      former.find((one) => given.has(one) && !taken.has(one)) ??
      [identityOf(own), identityOf([...own, places.join('+')])].find((one) => !taken.has(one)) ??
      identityOf([...own, places.join('+'), String(taken.size)]);
    taken.add(name);
    return name;
  };
}

/** All places of a line, then without those that came last. */
const beginnings = (places: readonly string[]): (string | null)[] =>
  places.length === 0 ? [null] : places.map((_, index) => places.slice(0, places.length - index).join('+'));
