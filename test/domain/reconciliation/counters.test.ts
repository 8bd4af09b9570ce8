import { expect, test } from 'vitest';
import { counterAsBooked, likelyWrong } from '../../../src/domain/reconciliation/causes.ts';
import { chargedOf } from '../../../src/domain/reconciliation/charged.ts';
import { type Contract, type Cube, cubeMarks, type CubeRow } from '../../../src/domain/reconciliation/cube.ts';
import { hypothesesFor } from '../../../src/domain/reconciliation/hypotheses.ts';
import { singleParts } from '../../../src/domain/reconciliation/single-attempts.ts';
import { causeInEnglish } from '../../../src/reports/dispute/english.ts';

const contract: Contract = { timeZone: 'UTC', lists: [], otherLists: [] };
const marks = cubeMarks('2026-10', contract);
const middle = marks.filter((mark) => mark.getTime() <= Date.parse('2026-10-15T12:00:00Z')).length;
const usage = { charged: 0, extra: 0, chargedAgain: 0, otherLevel: null, isElsewhere: false, chargedIn: null };

/** Attempts in the middle of the month, some of them charged. */
const rowOf = (one: Partial<CubeRow>, count: number, some: number): CubeRow => ({
  taskType: 'document_scan',
  level: 'basic',
  code: null,
  invoiced: true,
  counter: 'agrees',
  linked: false,
  failed: false,
  abandoned: false,
  late: 'no',
  slots: { attempt: middle, created: middle, completed: middle },
  ...one,
  count,
  usage: { ...usage, charged: some },
});
const front = (count: number, some: number, one: Partial<CubeRow> = {}) =>
  rowOf({ code: 'unknown_type_front', invoiced: false, ...one }, count, some);

/** What is said of the first row, of which the vendor charges some attempts that the books do not bill. */
function saidOf(...rows: readonly CubeRow[]): string | undefined {
  const cube: Cube = { period: '2026-10', basis: 'closed', marks, rows, earlier: [] };
  const charged = chargedOf(cube, contract, hypothesesFor(cube, contract));
  const differing = rows.flatMap((row, index) => {
    const isBilled = row.invoiced === true;
    const isDiffering = isBilled ? row.usage!.charged < row.count : row.usage!.charged > 0;
    return isDiffering ? [{ row, index, isBilled }] : [];
  });
  const told = singleParts(charged, { span: charged.spans[0]!, decisions: [] }, differing.slice(0, 1), differing).get(
    0,
  );
  return told && [told.part, ...told.among.flat()].map(({ cause, subject }) => `${cause}(${subject})`).join('|');
}

const success = rowOf({}, 500, 500);

test('some attempts are charged that by the vendor’s own counter are not invoiced: it agrees with the books', () => {
  expect(saidOf(front(100, 20), success)).toBe(`counter(${counterAsBooked})`);
  expect(likelyWrong({ cause: 'counter', subject: counterAsBooked })).toBe('vendor');
  expect(causeInEnglish('counter', counterAsBooked, true, 'your')).toBe(
    'the invoice does not agree with your own counter attemptsInvoiced, which says what our records say.',
  );
});

test('a counter that says what the vendor charges agrees with the vendor', () => {
  expect(saidOf(front(20, 20, { counter: 'charged' }), success)).toBe('counter(attemptsInvoiced)');
  expect(likelyWrong({ cause: 'counter', subject: 'attemptsInvoiced' })).toBeNull();
  expect(causeInEnglish('counter', 'attemptsInvoiced', true, 'the vendor’s')).toBe(
    'the vendor’s own counter attemptsInvoiced says what the invoice says, and our records do not.',
  );
});

test('a counter says nothing where it is absent, or may count others that are not charged', () => {
  expect(saidOf(front(100, 20, { counter: 'absent' }), success)).toBeUndefined();
  expect(saidOf(front(100, 20), rowOf({}, 500, 499))).toBeUndefined();
  expect(saidOf(front(100, 20), success, front(3, 2, { counter: 'charged' }))).toBeUndefined();
  const ofAnother = rowOf({ taskType: 'face_match', level: null }, 500, 499);
  expect(saidOf(front(100, 20), success, ofAnother)).toBe(`counter(${counterAsBooked})`);
});
