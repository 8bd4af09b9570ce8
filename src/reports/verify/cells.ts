import { formatAmount, type Micros } from '../../domain/money.ts';
import type { ReportColumn } from '../../domain/report-columns.ts';
import { neutraliseFormula } from '../csv.ts';

const month = /^2\d{3}-(?:0[1-9]|1[0-2])$/;
const whole = /^(?:0|[1-9]\d{0,17})$/;
const signed = /^(?:0|-?[1-9]\d{0,17})$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const amount = /^(-?)(\d{1,30})(?:\.(\d{1,6}))?$/;

/** Why a cell does not match its column's type; `undefined` = it does. */
export function cellProblem(column: ReportColumn, cell: string, minorDigits: number): string | undefined {
  if (cell === '') return column.mayBeEmpty ? undefined : 'is empty';
  if (/\p{Cc}/u.test(cell)) return 'holds a control character';
  switch (column.type) {
    case 'month':
      return month.test(cell) ? undefined : `is ${cell}, which is not a month YYYY-MM`;
    case 'text':
      return neutraliseFormula(cell) === cell ? undefined : `is ${cell}, which a spreadsheet takes for a formula`;
    case 'word':
      return undefined;
    case 'whole':
      return whole.test(cell) ? undefined : `is ${cell}, which is not a whole number`;
    case 'signed':
      return signed.test(cell) ? undefined : `is ${cell}, which is not a whole number`;
    case 'instant':
      return instantMs(cell) !== undefined ? undefined : `is ${cell}, which is not an instant YYYY-MM-DDTHH:MM:SSZ`;
    case 'boolean':
      return cell === 'true' || cell === 'false' ? undefined : `is ${cell}, which is neither true nor false`;
    case 'price':
    case 'amount':
      return amountProblem(cell, column.type === 'price', minorDigits);
    default:
      return column.type satisfies never;
  }
}

function amountProblem(cell: string, isPrice: boolean, minorDigits: number): string | undefined {
  const micros = microsOf(cell);
  if (micros === undefined) return `is ${cell}, which is not an amount`;
  if (isPrice && micros < 0n) return `is ${cell}, below zero`;
  const written = formatAmount(micros, minorDigits);
  return written === cell ? undefined : `is ${cell}, which is written ${written}`;
}

/** An amount in micro-units; `undefined` = not an amount. */
export function microsOf(cell: string): Micros | undefined {
  const match = amount.exec(cell);
  if (!match) return undefined;
  const magnitude = BigInt(`${match[2] ?? ''}${(match[3] ?? '').padEnd(6, '0')}`);
  return match[1] === '-' ? -magnitude : magnitude;
}

/** The micro-units of a cell that was checked before; `null` = empty. */
export const amountOf = (cell: string): Micros | null => microsOf(cell) ?? null;

/** The milliseconds of an instant; `undefined` = malformed or not in the calendar, such as February 30th. */
export function instantMs(cell: string): number | undefined {
  if (!instant.test(cell)) return undefined;
  const ms = Date.parse(cell);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === cell.replace('Z', '.000Z') ? ms : undefined;
}

/** The text before it was neutralised against formulas. The order of rows depends on it. */
export const original = (cell: string): string =>
  // Stryker disable next-line StringLiteral: it spares the work for most texts, and decides nothing
  cell.startsWith("'") && neutraliseFormula(cell.slice(1)) === cell ? cell.slice(1) : cell;

/**
 * Compares texts by their UTF-8 bytes without encoding them. UTF-16 sorts surrogates before U+E000 to U+FFFF, UTF-8
 * after.
 */
function compareText(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (left === right) continue;
    const isHigh = (unit: number) => unit >= 0xd800 && unit < 0xe000;
    if (isHigh(left) !== isHigh(right)) return (isHigh(left) ? 0x10000 : left) - (isHigh(right) ? 0x10000 : right);
    return left - right;
  }
  return a.length - b.length;
}

/** Compares keys part by part: texts by their bytes, numbers by value. */
export function compareKeys(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (left === right || right === undefined) continue;
    return typeof left === 'number' && typeof right === 'number'
      ? left - right
      : compareText(String(left), String(right));
  }
  return 0;
}
