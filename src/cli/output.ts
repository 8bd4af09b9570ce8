import { SingleBar } from 'cli-progress';

/** What a person reads goes to stdout; logs and progress go to stderr. */
export function say(...lines: string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

/** A remark beside the output, such as a warning. */
export function remark(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Text in aligned columns; those named in `right` hold numbers. */
export function table(
  headers: readonly string[],
  rows: readonly (readonly string[])[],
  right: readonly number[] = [],
): string[] {
  const all = [headers, ...rows];
  const widths = headers.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all.map((row) =>
    widths
      .map((width, column) =>
        right.includes(column) ? (row[column] ?? '').padStart(width) : (row[column] ?? '').padEnd(width),
      )
      .join('  ')
      .trimEnd(),
  );
}

export type Progress = { readonly update: (done: number, total?: number) => void; readonly stop: () => void };

/** A progress bar on stderr when that is a terminal; otherwise nothing. */
export function progress(label: string, total: number, unit = ''): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: `${label} {bar} {percentage}% | {value}/{total} ${unit}`.trimEnd(),
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    barCompleteChar: '█',
    barIncompleteChar: '░',
  });
  bar.start(total, 0);
  return {
    update: (done, newTotal) => {
      if (newTotal !== undefined) bar.setTotal(newTotal);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

/** `1 line`, `2 lines`. */
export function count(quantity: number | bigint, noun: string): string {
  return `${quantity} ${noun}${quantity === 1 || quantity === 1n ? '' : 's'}`;
}

/** An instant as files and terminals show it, to the second. */
export const instant = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, 'Z');
