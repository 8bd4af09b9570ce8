import type { Micros } from '../../domain/money.ts';
import { type Cell, isEmpty, textOf } from './cells.ts';
import { type Mistake, shown } from '../refusals.ts';

export type DecimalMark = '.' | ',';

/** A number as it is written: `unscaled` × 10^−`scale`, without zeros at its end. */
export type Decimal = { readonly unscaled: bigint; readonly scale: number };

const grammars: Readonly<Record<DecimalMark, RegExp>> = {
  '.': /^(?:(\d+)|([1-9]\d{0,2}(?:([, '’])\d{3}(?:\3\d{3})*)))?(?:\.(\d+))?$/,
  ',': /^(?:(\d+)|([1-9]\d{0,2}(?:([. '’])\d{3}(?:\3\d{3})*)))?(?:,(\d+))?$/,
};

const currencyAround = /^(?:€|£|\$|[A-Z]{3}) ?(?=[-−+(.,\d])|(?<=[-)\d]) ?(?:€|£|\$|[A-Z]{3})$/g;
const longest = 60;

/**
 * Reads a number by its decimal mark. Thousands may be marked by the other mark, a space or an apostrophe, in groups of
 * three. A minus may stand in front, behind, or be brackets; a currency may stand beside it.
 *
 * @returns `undefined` for anything else, exponents among it.
 * @example readDecimal('€ 1.234,50-', ',') // { unscaled: -12345n, scale: 1 }
 */
export function readDecimal(text: string, mark: DecimalMark): Decimal | undefined {
  if (text.length > longest) return undefined;
  const bare = text.replaceAll(/\s/g, ' ').trim().replaceAll(currencyAround, '').trim();
  const [, before = '', bracketed, plain, behind = ''] = /^([-−+]?) ?(?:\((.+)\)|([^()]*?))(-?)$/.exec(bare) ?? [];
  const signs = [before !== '' && before !== '+', bracketed !== undefined, behind !== ''].filter(Boolean).length;
  if (signs > 1 || (before === '+' && signs > 0)) return undefined;
  const match = grammars[mark].exec((bracketed ?? plain ?? '').replaceAll(currencyAround, '').trim());
  if (!match) return undefined;
  const [, digits, groups = '', , fraction = ''] = match;
  const whole = digits ?? groups.replaceAll(/\D/g, '');
  if (whole === '' && fraction === '') return undefined;
  const kept = fraction.replace(/0+$/, '');
  const unscaled = BigInt(`${whole}${kept}`);
  return { unscaled: signs === 1 ? -unscaled : unscaled, scale: kept.length };
}

/**
 * Gathers which decimal mark the numbers of a file have.
 *
 * @example const marks = markEvidence(); marks.see('1.234,50', 3, 'amount'); marks.settle('format') // { mark: ',' }
 */
export function markEvidence() {
  const seen: Partial<Record<'point' | 'comma' | 'either', { text: string; line: number; field: string }>> = {};
  return {
    see: (text: string, line: number, field: string): void => {
      // Digits alone say nothing, and most of a long file's numbers are no more than that.
      if (/^\d*$/.test(text)) return;
      const [point, comma] = [readDecimal(text, '.'), readDecimal(text, ',')];
      if (!point && !comma) return;
      const says = !comma ? 'point' : !point ? 'comma' : 'either';
      if (says === 'either' && point?.unscaled === comma?.unscaled && point?.scale === comma?.scale) return;
      seen[says] ??= { text, line, field };
    },
    /**
     * The mark; `null` = no number depends on it. Or why that is not certain.
     *
     * @param format the place in a layout that settles it.
     */
    settle: (format: string): { readonly mark: DecimalMark | null } | { readonly mistake: Mistake } => {
      const { point, comma, either } = seen;
      if (point && comma)
        return {
          mistake: {
            at: comma.line,
            message: `${comma.field}: ${shown(comma.text)} has a decimal comma, and ${shown(point.text)} on line ${point.line} a decimal point; ${format}.decimal says which the file has`,
          },
        };
      if (point ?? comma) return { mark: point ? '.' : ',' };
      if (!either) return { mark: null };
      const message = `${either.field}: ${shown(either.text)} can be thousands or decimals, and no other number tells; set ${format}.decimal to "." or ","`;
      return { mistake: { at: either.line, message } };
    },
  };
}

/**
 * The number in a cell, in the unit of `as`: {@link microsOf} or {@link quantityOf}.
 *
 * @returns `null` for an empty cell, a text that says why it is no such number.
 */
export function numberIn(
  cell: Cell | undefined,
  mark: DecimalMark,
  as: (found: Decimal) => bigint | string,
): bigint | string | null {
  if (cell === undefined || isEmpty(cell)) return null;
  if (typeof cell !== 'string' && 'unusable' in cell) return cell.unusable;
  if (typeof cell !== 'string' && 'date' in cell) return 'is a date, not a number';
  const text = textOf(cell);
  const found = readDecimal(text, typeof cell === 'string' ? mark : '.');
  if (!found) return `${shown(text)} is no number with a decimal ${mark === '.' ? 'point' : 'comma'}`;
  const number = as(found);
  return typeof number === 'string' ? `${shown(text)} ${number}` : number;
}

const maxWholeDigits = 12;
const microDigits = 6;

/** An amount or price in micro-units, or why it cannot be one. */
export function microsOf({ unscaled, scale }: Decimal): Micros | string {
  if (scale > microDigits) return `has ${scale} decimals; at most ${microDigits} are kept, and nothing is rounded`;
  const micros = unscaled * 10n ** BigInt(microDigits - scale);
  return isInRange(micros, microDigits) ? micros : `is out of range: more than ${maxWholeDigits} digits`;
}

/** A quantity, or why it cannot be one. */
export function quantityOf({ unscaled, scale }: Decimal): bigint | string {
  if (scale > 0) return 'is no whole number; a quantity counts attempts';
  return isInRange(unscaled, 0) ? unscaled : `is out of range: more than ${maxWholeDigits} digits`;
}

const isInRange = (value: bigint, scale: number): boolean =>
  (value < 0n ? -value : value) < 10n ** BigInt(maxWholeDigits + scale);
