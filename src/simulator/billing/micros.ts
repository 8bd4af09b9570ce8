/** Money in whole millionths of the currency's unit: `0.3333` is `333300n`. */
export type Micros = bigint;

const decimals = 6;

/** Reads a plain decimal with at most six decimals. */
export function parseMicros(text: string): Micros {
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,6}))?$/.exec(text) ?? [];
  if (whole === undefined) throw new RangeError(`A price is a plain decimal like 0.35, not "${text}".`);
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** With all decimals that are needed, and no fewer than the currency has. */
export function formatMicros(micros: Micros, minorDigits: number): string {
  const digits = (micros < 0n ? -micros : micros).toString().padStart(decimals + 1, '0');
  const kept = digits.slice(-decimals + minorDigits).replace(/0+$/, '');
  const fraction = digits.slice(-decimals, -decimals + minorDigits) + kept;
  return `${micros < 0n ? '-' : ''}${digits.slice(0, -decimals)}${fraction === '' ? '' : `.${fraction}`}`;
}

/** Half away from zero to the currency's smallest unit. */
export function roundMicros(micros: Micros, minorDigits: number): Micros {
  const unit = 10n ** BigInt(decimals - minorDigits);
  const magnitude = micros < 0n ? -micros : micros;
  const rounded = ((magnitude * 2n + unit) / (unit * 2n)) * unit;
  return micros < 0n ? -rounded : rounded;
}
