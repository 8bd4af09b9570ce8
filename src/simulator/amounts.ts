type Decimal = { readonly units: bigint; readonly scale: number };

/**
 * Quantity × unit price in the currency's smallest unit. Exact, then rounded once, half away from zero.
 *
 * @example
 * roundedProduct(1234, '0.3333', 2) // 41129n, that is 411.29
 */
export function roundedProduct(quantity: number, unitPrice: string, minorDigits: number): bigint {
  const { units, scale } = parseDecimal(unitPrice);
  const exact = BigInt(quantity) * units;
  if (scale <= minorDigits) return exact * 10n ** BigInt(minorDigits - scale);
  const divisor = 10n ** BigInt(scale - minorDigits);
  const magnitude = exact < 0n ? -exact : exact;
  const rounded = (magnitude * 2n + divisor) / (divisor * 2n);
  return exact < 0n ? -rounded : rounded;
}

/** Smallest units as a decimal string: `41129n` with two digits is `411.29`. */
export function formatMinor(minor: bigint, minorDigits: number): string {
  const magnitude = (minor < 0n ? -minor : minor).toString().padStart(minorDigits + 1, '0');
  const sign = minor < 0n ? '-' : '';
  if (minorDigits === 0) return sign + magnitude;
  return `${sign}${magnitude.slice(0, -minorDigits)}.${magnitude.slice(-minorDigits)}`;
}

function parseDecimal(text: string): Decimal {
  const parts = /^(-?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!parts) throw new RangeError(`A unit price is a plain decimal like 0.35, not "${text}".`);
  const fraction = parts[3] ?? '';
  const units = BigInt(`${parts[2] ?? ''}${fraction}`);
  return { units: parts[1] === '-' ? -units : units, scale: fraction.length };
}
