import { type InvoiceLineKind, invoiceLineKinds } from '../../domain/vendor-invoice.ts';
import { normalised } from '../values/cells.ts';
import type { LineRule, RowKind } from './layout.ts';

/** What a row of the file says about itself; `undefined` = the file has no such column, or the cell is empty. */
export type RowWords = {
  readonly description: string;
  readonly kind: string | undefined;
  readonly taskType: string | undefined;
  readonly level: string | undefined;
};

export type RowMeaning = { readonly kind: RowKind; readonly taskType: string | null; readonly level: string | null };

/**
 * What a row is: by the first rule that matches it, else by its own columns.
 *
 * @returns `undefined` where nothing says it.
 */
export function meaningOf(words: RowWords, rules: readonly LineRule[]): RowMeaning | undefined {
  const rule = rules.find(
    ({ description, fileLevel }) =>
      matches(words.description, description) && (fileLevel === undefined || matches(words.level ?? '', fileLevel)),
  );
  if (!rule) {
    const { kind, taskType = null, level = null } = words;
    return kind !== undefined && isLineKind(kind) ? { kind, taskType, level } : undefined;
  }
  const { kind, taskType = words.taskType ?? null, level = words.level ?? null } = rule;
  return kind === 'usage' || isLineKind(kind) ? { kind, taskType, level } : { kind, taskType: null, level: null };
}

const isLineKind = (kind: string): kind is InvoiceLineKind => (invoiceLineKinds as readonly string[]).includes(kind);

/**
 * Whether a text is as a pattern says, in which `*` stands for any text. A step back goes to the last `*` alone, so that
 * no pattern takes longer than text × pattern.
 */
export function matches(text: string, pattern: string): boolean {
  const [signs, wanted] = [normalised(text).toLowerCase(), normalised(pattern).toLowerCase()];
  let [at, next, star, resume] = [0, 0, -1, 0];
  while (at < signs.length) {
    if (wanted[next] === '*') {
      star = next;
      resume = at;
      next += 1;
    } else if (signs[at] === wanted[next]) {
      at += 1;
      next += 1;
    } else if (star !== -1) {
      resume += 1;
      at = resume;
      next = star + 1;
    } else return false;
  }
  while (wanted[next] === '*') next += 1;
  return next === wanted.length;
}
