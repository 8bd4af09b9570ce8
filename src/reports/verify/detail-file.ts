import type { ReportFiles } from '../report-store.ts';
import { attemptChecker } from './attempts.ts';
import { decisionChecker } from './decisions.ts';
import { checkDetailRow, detailOrder } from './detail.ts';
import { disagreementChecker } from './disagreements.ts';
import type { KnownReport } from './manifest.ts';
import type { Problems } from './problems.ts';
import { type Row, streamRows } from './reading.ts';
import { addRow, newTally, type Tally } from './tally.ts';
import { taskChecker } from './tasks.ts';

export type Work = { readonly files: ReportFiles; readonly report: KnownReport; readonly problems: Problems };

type Names = { readonly detail: string; readonly discrepancies: string };

/**
 * Checks the detail file in one pass: each row by itself, the rows of the same attempt, task or transaction against
 * each other, and the tasks against the disagreements.
 *
 * @returns what the file adds up to, `undefined` = not every row could be read; and whether its rows are in order.
 */
export async function checkDetail(
  work: Work,
  names: Names,
  read: (onRow: (row: Row) => Promise<void> | void) => Promise<boolean>,
): Promise<{ tally: Tally | undefined; isInOrder: boolean }> {
  const { report, problems } = work;
  const tally = newTally();
  const order = detailOrder();
  const addTo = (name: string) => (row: Row, column: string | undefined, problem: string) =>
    problems.add(name, problem, { row: row.line, column });
  const add = addTo(names.detail);
  const decisions = decisionChecker(report);
  const attempts = attemptChecker((row, problem) => add(row, 'quantity', problem));
  const disagreements = disagreementsOf(work, names);
  const tasks = taskChecker(add, disagreements.task);
  const found = { isInOrder: true };
  try {
    const isWhole = await read((row) => {
      const addToRow = (column: string, problem: string) => add(row, column, problem);
      checkDetailRow(row, report, addToRow);
      decisions(row, addToRow);
      const problem = order(row);
      if (problem !== undefined) {
        found.isInOrder = false;
        add(row, undefined, problem);
      }
      attempts.row(row);
      addRow(tally, row);
      return tasks.row(row);
    });
    attempts.end();
    await tasks.end();
    if (isWhole && found.isInOrder) await disagreements.end();
    return { tally: isWhole ? tally : undefined, ...found };
  } finally {
    await disagreements.close();
  }
}

function disagreementsOf({ files, report, problems }: Work, names: Names) {
  const addTo = (name: string) => (row: Row, column: string, problem: string) =>
    problems.add(name, problem, { row: row.line, column });
  const rows = streamRows({ files, name: names.discrepancies, kind: 'discrepancies' }, report.minorDigits);
  return disagreementChecker(rows, { detail: addTo(names.detail), discrepancies: addTo(names.discrepancies) });
}
