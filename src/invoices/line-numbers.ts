import { formatAmount } from '../domain/money.ts';
import type { InvoiceLine } from '../domain/vendor-invoice.ts';
import { shown } from './refusals.ts';
import { cut } from './values/cells.ts';

const maxLineChars = 100;

/**
 * Numbers lines so that each has a name of its own. A line without one has its place, counted from 1; the second one
 * called `3` is `3-2`. Lines that are the same but for their number are told, and kept: the vendor charges both.
 *
 * @param timeOf what the line in this place says of its time, if anything.
 */
export function distinctLines<Line extends InvoiceLine>(
  lines: readonly Line[],
  timeOf: (place: number) => string = () => '',
): {
  readonly lines: readonly Line[];
  readonly notes: readonly string[];
} {
  const taken = new Set(lines.map(({ line }) => line));
  const used = new Set<string>();
  const next = new Map<string, number>();
  const firstAlike = new Map<string, string>();
  const notes: string[] = [];
  const numbered = lines.map((one, index) => {
    const wanted = cut(one.line || String(index + 1), maxLineChars);
    let line = wanted;
    for (
      let count = next.get(wanted) ?? 2;
      used.has(line) || (line !== one.line && taken.has(line));
      next.set(wanted, count)
    ) {
      line = `${wanted}-${count}`;
      count += 1;
    }
    used.add(line);
    if (line !== wanted && one.line !== '')
      notes.push(`line ${shown(wanted)} is there more than once: this one is ${line}`);
    const content = [
      one.description,
      one.kind,
      one.taskType,
      one.level,
      one.quantity,
      one.unitPrice,
      one.amount,
      timeOf(index),
    ];
    const key = JSON.stringify(content.map(String));
    const first = firstAlike.get(key);
    if (first === undefined) firstAlike.set(key, line);
    else
      notes.push(
        `line ${shown(line)} is the same as line ${shown(first)}: ${formatAmount(one.amount, 2)} is charged twice`,
      );
    return { ...one, line };
  });
  return { lines: numbered, notes };
}
