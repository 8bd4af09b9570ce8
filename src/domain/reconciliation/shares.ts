import { type Micros, roundToMinorUnit } from '../money.ts';
import type { Effect } from './causes.ts';
import type { CellNote, StateLine, Step } from './explanation.ts';
import { cellKey, type LinePair } from './pairing.ts';

/** What one part of an explanation adds to one effect; `step` `undefined` = no part accounts for it. */
export type Share = {
  readonly effect: Effect;
  readonly step: Step | undefined;
  readonly quantity: bigint;
  readonly amount: Micros;
};

/** What a line of both sides costs and how much of it there is; what has no price counts as nothing. */
export function factsOf({ own, vendor }: LinePair) {
  const ownPrice = own?.unitPrice ?? 0n;
  const vendorQuantity = vendor?.quantity ?? 0n;
  return {
    ownQuantity: own?.quantity ?? 0n,
    vendorQuantity,
    ownPrice,
    // A line without a price is held against ours, as far as that leads to its amount.
    vendorPrice: vendor?.unitPrice ?? ownPrice,
    ownAmount: own?.amount ?? 0n,
    vendorAmount: vendor?.amount ?? 0n,
  };
}

/**
 * Divides the difference of a line into effects, and each of them among the parts of the explanation.
 *
 * @param accountedFor how far the steps lead to what the invoice says of the line.
 */
export function sharesOf(pair: LinePair, steps: readonly Step[], accountedFor: CellNote['accountedFor']): Share[] {
  const facts = factsOf(pair);
  const { ownQuantity, vendorQuantity, ownPrice, vendorPrice, ownAmount, vendorAmount } = facts;
  const quantities = steps.map(({ lines }) => quantityIn(lines, pair));
  const changes = differences(ownQuantity, quantities, vendorQuantity, accountedFor !== 'nothing');
  if (!pair.own || !pair.vendor) return ofWholeLine(pair, steps, changes, vendorAmount - ownAmount);
  const prices = steps.map(({ lines }) => priceIn(lines, pair));
  const shares: Share[] = [
    ...changes.map((quantity, index): Share => ({
      effect: 'quantity',
      step: steps[index],
      quantity,
      amount: quantity * ownPrice,
    })),
    ...differences(ownPrice, prices, vendorPrice, accountedFor === 'all').map((price, index): Share => ({
      effect: 'price',
      step: steps[index],
      quantity: 0n,
      amount: price * vendorQuantity,
    })),
  ].filter(({ quantity, amount }) => quantity !== 0n || amount !== 0n);
  const rest = vendorAmount - vendorQuantity * vendorPrice - (ownAmount - ownQuantity * ownPrice);
  if (rest === 0n) return shares;
  const rounding = steps.find(({ part }) => part.cause === 'rounding');
  return [...shares, { effect: 'rounding', step: rounding, quantity: 0n, amount: rest }];
}

/** A line that one side does not have: its amount goes to the parts by what they add, the last one takes the rest. */
function ofWholeLine(pair: LinePair, steps: readonly Step[], changes: readonly bigint[], amount: Micros): Share[] {
  // An invoice may leave out free units: whether it does is no difference.
  if (pair.own?.unitPrice === 0n && amount === 0n) return [];
  const effect = pair.own ? 'missing_line' : 'extra_line';
  const price = pair.own?.unitPrice ?? pair.vendor?.unitPrice ?? 0n;
  const taking = changes.flatMap((quantity, index) => (quantity === 0n ? [] : [{ quantity, step: steps[index] }]));
  if (taking.length === 0) return amount === 0n ? [] : [{ effect, step: undefined, quantity: 0n, amount }];
  let left = amount;
  return taking.map(({ quantity, step }, index): Share => {
    const share = index === taking.length - 1 ? left : quantity * price;
    left -= share;
    return { effect, step, quantity, amount: share };
  });
}

/** Divides the difference of what tops a month up to its minimum among the parts. */
export function minimumShares(own: Micros, vendor: Micros, steps: readonly Step[], isAccountedFor: boolean): Share[] {
  const minimums = steps.map(({ minimum }) => minimum);
  return differences(own, minimums, vendor, isAccountedFor)
    .map((amount, index): Share => ({ effect: 'minimum', step: steps[index], quantity: 0n, amount }))
    .filter(({ amount }) => amount !== 0n);
}

/**
 * What each step adds on the way from our value to the vendor's, and last what is left. Where the steps account for the
 * vendor's value, the last one leads to it whatever it says of this line alone.
 */
function differences(own: bigint, after: readonly bigint[], vendor: bigint, isAccountedFor: boolean): bigint[] {
  const reached = isAccountedFor && after.length > 0 ? [...after.slice(0, -1), vendor] : after;
  const values = [own, ...reached, vendor];
  return values.slice(1).map((value, index) => value - (values[index] ?? 0n));
}

const ofPair = (lines: readonly StateLine[], { own, vendor }: LinePair): StateLine[] => {
  const key = cellKey(own ?? vendor ?? { taskType: null, level: null });
  return lines.filter(
    (line) =>
      cellKey(line) === key &&
      ((own && line.unitPrice === own.unitPrice) || (vendor && line.unitPrice === vendor.unitPrice)),
  );
};

const quantityIn = (lines: readonly StateLine[], pair: LinePair): bigint =>
  ofPair(lines, pair).reduce((sum, { quantity }) => sum + quantity, 0n);

/** Our price until the step that has the vendor's and not ours any more. */
function priceIn(lines: readonly StateLine[], pair: LinePair): Micros {
  const { ownPrice, vendorPrice } = factsOf(pair);
  const found = ofPair(lines, pair).map(({ unitPrice }) => unitPrice ?? 0n);
  return found.includes(vendorPrice) && !found.includes(ownPrice) ? vendorPrice : ownPrice;
}

/** Whether a difference is no more than what rounding both lines leads to. */
export function isRounding(pair: LinePair, minorDigits: number): boolean {
  const { ownQuantity, ownPrice, ownAmount, vendorQuantity, vendorPrice, vendorAmount } = factsOf(pair);
  return (
    ownAmount === roundToMinorUnit(ownQuantity * ownPrice, minorDigits) &&
    vendorAmount === roundToMinorUnit(vendorQuantity * vendorPrice, minorDigits)
  );
}
