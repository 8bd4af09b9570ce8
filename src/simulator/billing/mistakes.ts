/** What a vendor may get wrong on an invoice, each called as the cause that its customer should find. */
export const billingMistakes = [
  'usage_unknown',
  'usage_not_billed',
  'billed_twice',
  'cutoff',
  'rule',
  'counter',
  'unclassified',
  'abandoned',
  'price',
  'tier',
  'allowance',
  'minimum',
  'rounding',
  'fee',
  'discount',
  'tax',
] as const;
export type BillingMistake = (typeof billingMistakes)[number];

/** Reads names with commas between them. Throws a `RangeError` that names those which are none. */
export function parseMistakes(text: string): BillingMistake[] {
  const names = text.split(',').filter((name) => name !== '');
  const unknown = names.filter((name) => !billingMistakes.some((one) => one === name));
  if (unknown.length > 0)
    throw new RangeError(`${unknown.join(', ')}: no such mistake. There are ${billingMistakes.join(', ')}.`);
  return billingMistakes.filter((one) => names.includes(one));
}
