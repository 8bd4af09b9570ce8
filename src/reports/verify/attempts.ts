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
  let key: AttemptKey | undefined;
  let [booked, takenBack] = [0, 0];
  let last: Row | undefined;
  const end = () => {
    if (key && last && takenBack - booked > 1)
      add(last, `the lines of ${attemptText(key)} add up to ${booked - takenBack}: no attempt was booked so often`);
  };
  return {
    row: (row: Row): void => {
      const own = attemptKey(row);
      if (!isSameAttempt(key, own)) {
        end();
        [key, booked, takenBack] = [own, 0, 0];
      }
      last = row;
      if (row.cell('quantity').startsWith('-')) takenBack += 1;
      else booked += 1;
      if (booked > 1 && !row.cell('quantity').startsWith('-'))
        add(row, `books ${attemptText(own)} a second time: an attempt is in one month alone, and counts once`);
    },
    end,
  };
}
