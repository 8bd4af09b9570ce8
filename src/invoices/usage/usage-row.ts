import { taskTypes } from '../../domain/facts.ts';
import { normaliseId } from '../../domain/transaction-id.ts';
import type { UsageRow } from '../../domain/vendor-invoice.ts';
import { normalised, type Row, textOf } from '../values/cells.ts';
import type { Header } from '../columns.ts';
import { type DayOrder, instantReader, needsZone } from '../values/dates.ts';
import type { Layout, UsageField } from '../layout/layout.ts';
import { type DecimalMark, microsOf, numberIn, quantityOf } from '../values/numbers.ts';
import { invisibleIn } from '../values/invisible.ts';
import { remembered } from '../values/remembered.ts';
import { ambiguous, type Mistake, shown, type Source } from '../refusals.ts';

/** How the cells of a usage statement are read. */
export type UsageReading = {
  readonly header: Header<UsageField>;
  readonly usage: Layout['usage'];
  readonly decimal: DecimalMark;
  readonly date: DayOrder | null;
  readonly source: Source;
  /** Where kinds of task go that the vendor does not document, with the line that has them first. */
  readonly otherTaskTypes: Map<string, number>;
};

/** As many attempts as an `integer` of the database counts. */
const maxAttempt = 2_147_483_647n;
const unitOf = { attempt: quantityOf, quantity: quantityOf, unit_price: microsOf };
const words = ['transaction_id', 'task_type', 'outcome_code', 'level'] as const;
const known: ReadonlySet<string> = new Set(taskTypes);
/** More kinds of task than any books have: the column is another one. */
const mostOthers = 1_000;

/**
 * Turns rows into what they say. What cannot be read becomes a mistake, and the row is `undefined`.
 *
 * @throws LedgerError `usage_ambiguous` at the first time without offset, where no time zone is known.
 */
export function usageRowReader(reading: UsageReading, mistakes: Mistake[]): (row: Row) => UsageRow | undefined {
  const { usage, decimal, date, header, otherTaskTypes } = reading;
  const places = Object.fromEntries(header.places) as Partial<Record<UsageField, number>>;
  const taskTypeOf = taskTypeReader(usage);
  const levelOf = wordReader(usage.levels);
  const instantOf = instantReader(date, usage.format.timeZone);
  const numberOf = {
    attempt: remembered((text) => numberIn(text, decimal, unitOf.attempt)),
    quantity: remembered((text) => numberIn(text, decimal, unitOf.quantity)),
    unit_price: remembered((text) => numberIn(text, decimal, unitOf.unit_price)),
  };
  return (row) => {
    const before = mistakes.length;
    const refuse = (field: UsageField, message: string): void =>
      void mistakes.push({ at: row.line, message: `${field}: ${message}` });
    const text = (field: UsageField): string => textOf(row.cells[places[field] ?? -1]);
    const number = (field: keyof typeof numberOf): bigint | null => {
      const cell = row.cells[places[field] ?? -1] ?? '';
      const found = typeof cell === 'string' ? numberOf[field](cell) : numberIn(cell, decimal, unitOf[field]);
      if (typeof found !== 'string') return found;
      refuse(field, found);
      return null;
    };
    for (const field of words) {
      const cell = row.cells[places[field] ?? -1];
      const sign = typeof cell === 'string' ? invisibleIn(cell) : undefined;
      if (sign !== undefined) refuse(field, `has an invisible sign, ${sign}`);
    }
    const transactionId = normaliseId(text('transaction_id'));
    if (transactionId === undefined) refuse('transaction_id', `${shown(text('transaction_id'))} is no ID`);
    const taskType = taskTypeOf(text('task_type'));
    if (taskType === undefined)
      refuse('task_type', `${shown(text('task_type'))} is not in usage.task_types of the layout`);
    if (taskType === '') refuse('task_type', 'is empty');
    const attemptedAt = instantIn(row, places.attempted_at, instantOf, reading.source);
    if (typeof attemptedAt === 'string') refuse('attempted_at', attemptedAt);
    const attempt = number('attempt');
    if (attempt !== null && (attempt < 1n || attempt > maxAttempt)) refuse('attempt', 'must be a whole number from 1');
    const quantity = places.quantity === undefined ? 1n : number('quantity');
    if (quantity === null && mistakes.length === before) refuse('quantity', 'is empty');
    const unitPrice = number('unit_price');
    if (mistakes.length > before) return undefined;
    if (transactionId === undefined || taskType === undefined || quantity === null || typeof attemptedAt === 'string')
      return undefined;
    if (!known.has(taskType) && !otherTaskTypes.has(taskType) && otherTaskTypes.size < mostOthers)
      otherTaskTypes.set(taskType, row.line);
    return {
      transactionId,
      taskType,
      attempt: attempt === null ? null : Number(attempt),
      attemptedAt,
      outcomeCode: text('outcome_code') || null,
      level: levelOf(text('level')) || null,
      quantity,
      unitPrice,
    };
  };
}

/** Words of ours stay; others are looked up where the layout has a list. */
function taskTypeReader({ taskTypes: words }: Layout['usage']): (text: string) => string | undefined {
  const lookUp = wordReader(words);
  const isListed = Object.keys(words).length > 0;
  return (text) => {
    if (!isListed || known.has(text)) return text;
    const found = lookUp(text);
    return found !== null && known.has(found) ? found : undefined;
  };
}

/** Our words for the file's; a word that is not listed stays. */
function wordReader(words: Readonly<Record<string, string | null>>): (text: string) => string | null {
  const ours = new Map(Object.entries(words).map(([word, own]) => [normalised(word), own]));
  return (text) => {
    const found = ours.size === 0 ? undefined : ours.get(normalised(text));
    return found === undefined ? text : found;
  };
}

function instantIn(
  { line, cells }: Row,
  place: number | undefined,
  instantOf: ReturnType<typeof instantReader>,
  source: Source,
): Date | string {
  const cell = cells[place ?? -1] ?? '';
  const instant = instantOf(cell);
  if (instant !== needsZone) return instant;
  const message = `attempted_at: ${shown(textOf(cell))} ${needsZone}; set usage.format.time_zone`;
  throw ambiguous(source, { at: line, message });
}
