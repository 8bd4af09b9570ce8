/**
 * Exact money. Amounts are whole micro-units (10⁻⁶ of a currency unit) in a bigint: unit prices have at most six
 * decimals and quantities are whole, so every product and sum is exact. A float never comes near.
 */
export type Micros = bigint;

const microDigits = 6;
const decimalPattern = /^(\d{1,12})(?:\.(\d{1,6}))?$/;

/**
 * A unit price as written by a person: digits, optionally a point and one to six decimals.
 *
 * @returns `undefined` for anything else: signs, exponents, separators, `NaN`, a seventh decimal.
 * @example parsePrice('0.3333') // 333300n
 */
export function parsePrice(text: string): Micros | undefined {
  const match = decimalPattern.exec(text);
  if (!match) return undefined;
  return BigInt(`${match[1] ?? ''}${(match[2] ?? '').padEnd(microDigits, '0')}`);
}

/** An amount that this program wrote itself, such as `-12.50`. */
export function storedAmount(text: string): Micros {
  const micros = parsePrice(text.replace(/^-/, ''));
  if (micros === undefined) throw new RangeError(`not an amount: ${text}`);
  return text.startsWith('-') ? -micros : micros;
}

/** Rounds to the currency's minor unit, half away from zero. The result is still in micro-units. */
export function roundToMinorUnit(amount: Micros, minorDigits: number): Micros {
  const step = 10n ** BigInt(microDigits - minorDigits);
  const magnitude = amount < 0n ? -amount : amount;
  const rounded = ((magnitude + step / 2n) / step) * step;
  return amount < 0n ? -rounded : rounded;
}

/**
 * Writes an amount with at least the minor unit's digits and no needless zeros behind them: `12.50`, `0.3333`, `-3.00`.
 * Never an exponent, a thousands mark or `-0.00`.
 */
export function formatAmount(amount: Micros, minorDigits: number): string {
  const digits = (amount < 0n ? -amount : amount).toString().padStart(microDigits + 1, '0');
  const whole = digits.slice(0, -microDigits);
  let fraction = digits.slice(-microDigits);
  while (fraction.length > minorDigits && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return `${amount < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

const withoutMinorUnit = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ');
const withThreeDigits = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');
const withFourDigits = 'CLF UYW'.split(' ');

/** Digits of a currency's minor unit after ISO 4217: 2 for most, 0, 3 or 4 for some. */
export function minorUnitDigits(currency: string): number {
  if (withoutMinorUnit.includes(currency)) return 0;
  if (withThreeDigits.includes(currency)) return 3;
  return withFourDigits.includes(currency) ? 4 : 2;
}
