import { type AttemptKey, attemptKey } from './attempts.ts';
import { compareKeys } from './cells.ts';
import type { Row } from './reading.ts';

type Head = { readonly key: AttemptKey; readonly source: number; readonly row: Row };

/**
 * Merges several detail files: all rows in the order of their attempts, and within an attempt in the order of the
 * files. Each file is in that order already, so one row per file is held.
 *
 * @returns the index of a file that could not be read to its end; `undefined` = all were.
 */
export async function mergeRows(
  files: readonly AsyncGenerator<Row, boolean>[],
  onRow: (row: Row, source: number, key: AttemptKey) => void,
): Promise<number | undefined> {
  /** A binary heap: each head sorts before its children. */
  const heads: Head[] = [];
  const next = async (source: number): Promise<Head | 'end' | 'broken'> => {
    const step = await files[source]?.next();
    if (!step || step.done === true) return step?.value === false ? 'broken' : 'end';
    return { key: attemptKey(step.value), source, row: step.value };
  };
  try {
    for (const source of files.keys()) {
      const head = await next(source);
      if (head === 'broken') return source;
      if (head !== 'end') heads.push(head);
    }
    heads.sort(compareHeads);
    for (let first = heads[0]; first; first = heads[0]) {
      onRow(first.row, first.source, first.key);
      const head = await next(first.source);
      if (head === 'broken') return first.source;
      const last = head === 'end' ? heads.pop() : head;
      if (last && heads.length > 0) sink(heads, last);
    }
    return undefined;
  } finally {
    for (const file of files) await file.return(true);
  }
}

const compareHeads = (a: Head, b: Head): number => compareKeys(a.key, b.key) || a.source - b.source;

/** Replaces the first head and restores the heap. */
function sink(heads: Head[], head: Head): void {
  let place = 0;
  for (;;) {
    const [left, right] = [2 * place + 1, 2 * place + 2];
    const [one, other] = [heads[left], heads[right]];
    if (!one) break;
    const [child, smaller] = other && compareHeads(other, one) < 0 ? [right, other] : [left, one];
    if (compareHeads(head, smaller) <= 0) break;
    heads[place] = smaller;
    place = child;
  }
  heads[place] = head;
}
