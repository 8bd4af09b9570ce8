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

const storedPattern = /^(-?)(\d+)(?:\.(\d{1,6}))?$/;

/** An amount that this program wrote itself, such as `-12.50`. A sum may be larger than any price: it has no limit. */
export function storedAmount(text: string): Micros {
  const [, sign, whole = '', fraction = ''] = storedPattern.exec(text) ?? [];
  if (sign === undefined) throw new RangeError(`not an amount: ${text}`);
  const micros = BigInt(`${whole}${fraction.padEnd(microDigits, '0')}`);
  return sign === '-' ? -micros : micros;
}

/** Rounds to the currency's minor unit, half away from zero. The result is still in micro-units. */
export function roundToMinorUnit(amount: Micros, minorDigits: number): Micros {
  if (amount < 0n) return -roundToMinorUnit(-amount, minorDigits);
  const step = 10n ** BigInt(microDigits - minorDigits);
  return ((amount + step / 2n) / step) * step;
}

/**
 * Writes an amount with at least the minor unit's digits and no needless zeros behind them: `12.50`, `0.3333`, `-3.00`.
 * Never an exponent, a thousands mark or `-0.00`.
 */
export function formatAmount(amount: Micros, minorDigits: number): string {
  if (amount < 0n) return `-${formatAmount(-amount, minorDigits)}`;
  const digits = amount.toString().padStart(microDigits + 1, '0');
  const whole = digits.slice(0, -microDigits);
  let fraction = digits.slice(-microDigits);
  while (fraction.length > minorDigits && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/**
 * Codes of ISO 4217 and, since closed months stay in theirs, of currencies that went out of use lately. A list of our
 * own: which codes a runtime knows changes with its version, and it leaves out units of account such as CLF.
 */
const currencies = new Set(
  [
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF',
    'CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD',
    'GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP',
    'LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN',
    'PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS',
    'TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XCD XCG XDR XOF XPF XSU',
    'XUA YER ZAR ZMW ZWG ZWL',
  ].flatMap((line) => line.split(' ')),
);

/** Whether a code is that of a currency, as ISO 4217 writes it. */
export const isCurrency = (code: string): boolean => currencies.has(code);

const withoutMinorUnit = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ');
const withThreeDigits = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');
const withFourDigits = 'CLF UYW'.split(' ');

/** Digits of a currency's minor unit after ISO 4217: 2 for most, 0, 3 or 4 for some. */
export function minorUnitDigits(currency: string): number {
  if (withoutMinorUnit.includes(currency)) return 0;
  if (withThreeDigits.includes(currency)) return 3;
  return withFourDigits.includes(currency) ? 4 : 2;
}
