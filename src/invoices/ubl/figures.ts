import type { Micros } from '../../domain/money.ts';
import { type Decimal, microsOf, quantityOf, readDecimal } from '../values/numbers.ts';
import { type Mistake, shown } from '../refusals.ts';
import { attributeOf, elementAt, textAt, type XmlElement } from '../xml.ts';

/** Figures of a document in one currency. What cannot be read becomes a mistake, and then `null` means nothing. */
export type Figures = ReturnType<typeof figuresOf>;

const xsdDecimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;

export function figuresOf(currency: string, mistakes: Mistake[]) {
  const decimal = (element: XmlElement | undefined, at: string, ...path: string[]): Decimal | null => {
    const text = textAt(element, ...path);
    if (text === undefined) return null;
    const found = xsdDecimal.test(text) ? readDecimal(text.replace(/\.$/, ''), '.') : undefined;
    if (!found) mistakes.push({ at, message: `${path.at(-1) ?? ''}: ${shown(text)} is no decimal number` });
    return found ?? null;
  };
  const checked = (found: Decimal | null, as: typeof microsOf, at: string, name: string): bigint | null => {
    const value = found === null ? null : as(found);
    if (typeof value !== 'string') return value;
    mistakes.push({ at, message: `${name} ${value}` });
    return null;
  };
  return {
    currency,
    /** An amount; `null` where there is none. One of another currency is a mistake. */
    amount: (element: XmlElement | undefined, at: string, ...path: string[]): Micros | null => {
      const own = attributeOf(elementAt(element, ...path), 'currencyID');
      const name = path.at(-1) ?? '';
      if (own !== undefined && own !== currency)
        mistakes.push({ at, message: `${name} is in ${shown(own)}, the document in ${currency}` });
      return checked(decimal(element, at, ...path), microsOf, at, name);
    },
    quantity: (element: XmlElement | undefined, at: string, name: string): bigint | null =>
      checked(decimal(element, at, name), quantityOf, at, name),
    /** `PriceAmount` is the price of `BaseQuantity` units: 45.00 per 100 is 0.45. */
    unitPrice: (line: XmlElement, at: string): Micros | null => {
      const price = decimal(line, at, 'Price', 'PriceAmount');
      const base = decimal(line, at, 'Price', 'BaseQuantity') ?? { unscaled: 1n, scale: 0 };
      if (!price) return null;
      if (base.unscaled <= 0n) {
        mistakes.push({ at, message: 'BaseQuantity is not more than 0' });
        return null;
      }
      const [dividend, divisor] = [
        price.unscaled * 10n ** BigInt(base.scale + 6),
        base.unscaled * 10n ** BigInt(price.scale),
      ];
      if (dividend % divisor === 0n)
        return checked({ unscaled: dividend / divisor, scale: 6 }, microsOf, at, 'PriceAmount');
      const message = `PriceAmount${base.unscaled === 1n && base.scale === 0 ? '' : ' per BaseQuantity'} has more than 6 decimals; nothing is rounded`;
      mistakes.push({ at, message });
      return null;
    },
  };
}
