import { formatAmount, type Micros } from '../../domain/money.ts';
import type { ReportColumn } from '../../domain/report-columns.ts';
import { neutraliseFormula } from '../csv.ts';

const month = /^2\d{3}-(?:0[1-9]|1[0-2])$/;
const whole = /^(?:0|[1-9]\d{0,17})$/;
const signed = /^(?:0|-?[1-9]\d{0,17})$/;
const instant = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/;
const amount = /^(-?)(\d{1,30})(?:\.(\d{1,6}))?$/;

/** Why a cell is not written as its column is; `undefined` = it is. */
export function cellProblem(column: ReportColumn, cell: string, minorDigits: number): string | undefined {
  if (cell === '') return column.mayBeEmpty ? undefined : 'is empty';
  if (/\p{Cc}/u.test(cell)) return 'holds a control character';
  switch (column.type) {
    case 'month':
      return month.test(cell) ? undefined : `is ${cell}, which is no month YYYY-MM`;
    case 'text':
      return neutraliseFormula(cell) === cell ? undefined : `is ${cell}, which a spreadsheet takes for a formula`;
    case 'word':
      return undefined;
    case 'whole':
      return whole.test(cell) ? undefined : `is ${cell}, which is no whole number`;
    case 'signed':
      return signed.test(cell) ? undefined : `is ${cell}, which is no whole number`;
    case 'instant':
      return instantMs(cell) !== undefined ? undefined : `is ${cell}, which is no instant YYYY-MM-DDTHH:MM:SSZ`;
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
  if (micros === undefined) return `is ${cell}, which is no amount`;
  if (isPrice && micros < 0n) return `is ${cell}, below zero`;
  const written = formatAmount(micros, minorDigits);
  return written === cell ? undefined : `is ${cell}, which is written ${written}`;
}

/** An amount in micro-units; `undefined` = it is none. */
export function microsOf(cell: string): Micros | undefined {
  const match = amount.exec(cell);
  if (!match) return undefined;
  const magnitude = BigInt(`${match[2] ?? ''}${(match[3] ?? '').padEnd(6, '0')}`);
  return match[1] === '-' ? -magnitude : magnitude;
}

/** Micro-units of a cell whose form was checked; `null` = empty. */
export const amountOf = (cell: string): Micros | null => (cell === '' ? null : (microsOf(cell) ?? null));

/** Milliseconds of an instant that exists; `undefined` for February 30th. */
export function instantMs(cell: string): number | undefined {
  if (!instant.test(cell)) return undefined;
  const ms = Date.parse(cell);
  return !Number.isNaN(ms) && new Date(ms).toISOString() === cell.replace('Z', '.000Z') ? ms : undefined;
}

/** Text as it was before it was kept from being a formula. Rows are in the order of that. */
export const original = (cell: string): string =>
  cell.startsWith("'") && neutraliseFormula(cell.slice(1)) === cell ? cell.slice(1) : cell;

/** Compares text by its UTF-8 bytes, without making them: UTF-16 puts surrogates before what they come behind in UTF-8. */
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

/** Compares keys part by part: text by its bytes, numbers as numbers. */
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
