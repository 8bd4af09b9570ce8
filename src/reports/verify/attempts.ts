import { original } from './cells.ts';
import type { Row } from './reading.ts';

/** The key of an attempt, in the order of the detail file. */
export type AttemptKey = readonly [transactionId: string, taskType: string, attempt: number];

export const attemptKey = (row: Row): AttemptKey => [
  original(row.cell('transaction_id')),
  original(row.cell('task_type')),
  Number(row.cell('attempt')),
];

/** How messages name an attempt. */
export const attemptText = ([transactionId, taskType, attempt]: AttemptKey): string =>
  `${transactionId}, ${taskType} attempt ${attempt}`;

export const isSameAttempt = (a: AttemptKey | undefined, b: AttemptKey): boolean =>
  a !== undefined && a[0] === b[0] && a[1] === b[1] && a[2] === b[2];

/**
 * Checks that the lines of each attempt are consistent: at most one line books it, because it is in one month only, and
 * no more is reversed than was booked. Whether an earlier month booked it is checked in `books.ts`.
 */
export function attemptChecker(add: (row: Row, problem: string) => void) {
  let current: { readonly key: AttemptKey; last: Row; booked: number; takenBack: number } | undefined;
  const end = () => {
    if (!current) return;
    const { key, last, booked, takenBack } = current;
    if (takenBack - booked > 1)
      add(last, `the lines of ${attemptText(key)} add up to ${booked - takenBack}: no attempt was booked so often`);
  };
  return {
    row: (row: Row): void => {
      const key = attemptKey(row);
      if (!current || !isSameAttempt(current.key, key)) {
        end();
        current = { key, last: row, booked: 0, takenBack: 0 };
      }
      current.last = row;
      if (row.cell('quantity').startsWith('-')) {
        current.takenBack += 1;
        return;
      }
      current.booked += 1;
      if (current.booked > 1)
        add(row, `books ${attemptText(key)} a second time: an attempt is in one month alone, and counts once`);
    },
    end,
  };
}
