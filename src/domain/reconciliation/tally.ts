import { type Cube, type CubeRow, type TimeOfAttempt, timesOfAttempts } from './cube.ts';

/** What invoices have a line for. */
export type Cell = { readonly taskType: string; readonly level: string | null };

/** Attempts that are alike in everything but their times. `cell` is the place of theirs among the cells. */
type AttemptClass = { readonly row: CubeRow; readonly cell: number };

/** A cube, so that the attempts of any span can be counted at once. */
export type Tally = {
  readonly cells: readonly Cell[];
  readonly classes: readonly AttemptClass[];
  /** Per row of the cube, the place of its class. */
  readonly classOfRow: readonly number[];
  /** Per class, how many attempts lie in the span between two marks, by one of their times. */
  readonly countsBetween: (time: TimeOfAttempt, fromMark: number, toMark: number) => Int32Array;
};

export function tallyOf({ rows, marks }: Cube): Tally {
  const cells = new Map<string, Cell & { place: number }>();
  const classes = new Map<string, AttemptClass & { place: number }>();
  const classOfRow = rows.map((row) => {
    const key = classKey(row);
    const known = classes.get(key);
    if (known) return known.place;
    const cellName = JSON.stringify([row.taskType, row.level]);
    const cell = cells.get(cellName) ?? { taskType: row.taskType, level: row.level, place: cells.size };
    cells.set(cellName, cell);
    const place = classes.size;
    classes.set(key, { row, cell: cell.place, place });
    return place;
  });
  const before = new Map(
    timesOfAttempts.map((time) => [time, countsBefore(rows, classOfRow, time, classes.size, marks.length)]),
  );
  return {
    cells: [...cells.values()],
    classes: [...classes.values()],
    classOfRow,
    countsBetween: (time, fromMark, toMark) => {
      const counts = new Int32Array(classes.size);
      const all = before.get(time);
      for (let place = 0; all && place < counts.length; place += 1) {
        const first = place * (marks.length + 2);
        counts[place] = (all[first + toMark + 1] ?? 0) - (all[first + fromMark + 1] ?? 0);
      }
      return counts;
    },
  };
}

function classKey(row: CubeRow): string {
  const flags = `${row.invoiced} ${row.counter} ${row.linked} ${row.failed} ${row.abandoned} ${row.late}`;
  return `${flags} ${row.level?.length ?? '-'} ${row.level} ${row.code?.length ?? '-'} ${row.code} ${row.taskType}`;
}

/** Per class and slot, how many attempts lie in an earlier slot. */
function countsBefore(
  rows: readonly CubeRow[],
  classOfRow: readonly number[],
  time: TimeOfAttempt,
  classes: number,
  marks: number,
): Int32Array {
  const width = marks + 2;
  const counts = new Int32Array(classes * width);
  for (const [index, row] of rows.entries()) {
    const at = (classOfRow[index] ?? 0) * width + row.slots[time] + 1;
    counts[at] = (counts[at] ?? 0) + row.count;
  }
  for (let at = 1; at < counts.length; at += 1)
    if (at % width !== 0) counts[at] = (counts[at] ?? 0) + (counts[at - 1] ?? 0);
  return counts;
}
