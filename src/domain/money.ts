/**
 * Exact money. Amounts are whole micro-units (10⁻⁶ of a currency unit) in a bigint. Unit prices have at most six
 * decimals and quantities are whole, so every product and sum is exact. Floats are never used.
 */
export type Micros = bigint;

const microDigits = 6;
const decimalPattern = /^(\d{1,12})(?:\.(\d{1,6}))?$/;

/**
 * Parses a unit price written by a person: digits, optionally a point and one to six decimals.
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

/** Parses an amount that this program wrote, such as `-12.50`. Unlike a price, a sum has no upper limit. */
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
 * Writes an amount with at least the minor unit's digits and no further trailing zeros: `12.50`, `0.3333`, `-3.00`.
 * Never an exponent, a thousands separator or `-0.00`.
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
 * ISO 4217 codes, including currencies withdrawn recently, because closed months keep theirs. The list is our own
 * because a runtime's list changes with its version and lacks units of account such as CLF.
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

/** Whether `code` is an ISO 4217 currency code in upper case. */
export const isCurrency = (code: string): boolean => currencies.has(code);

const withoutMinorUnit = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ');
const withThreeDigits = 'BHD IQD JOD KWD LYD OMR TND'.split(' ');
const withFourDigits = 'CLF UYW'.split(' ');

/** The number of digits of a currency's minor unit (ISO 4217): usually 2, for some 0, 3 or 4. */
export function minorUnitDigits(currency: string): number {
  if (withoutMinorUnit.includes(currency)) return 0;
  if (withThreeDigits.includes(currency)) return 3;
  return withFourDigits.includes(currency) ? 4 : 2;
}

/** Whether an amount can be paid: it has no digits beyond the currency's minor unit. */
export const isPayable = (amount: Micros, currency: string): boolean =>
  amount % 10n ** BigInt(6 - minorUnitDigits(currency)) === 0n;
