import { fstatSync, writeFileSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';

/** What a person reads goes to stdout; logs and progress go to stderr. */
export function say(...lines: string[]): void {
  for (const line of lines) print(`${line}\n`);
}

/** Writes to stdout. Of a file on a disk that fills up, Node's stream loses the end without an error. */
export function print(text: string): void {
  if (!fstatSync(process.stdout.fd).isFile()) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(process.stdout.fd, text);
  } catch (error) {
    process.stdout.emit('error', error);
  }
}

/**
 * Keeps a command alive whose output cannot be written, so that it closes in order.
 *
 * @returns what went wrong with what was written, if anything. A reader that stops early (`status | head`)
 * has what it wanted, and of a terminal that is closed there is none.
 */
export function watchOutput(): () => Promise<NodeJS.ErrnoException | undefined> {
  let failure: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    const isReaderGone = error.code === 'EPIPE' || (error.code === 'EIO' && process.stdout.isTTY);
    if (!isReaderGone) failure ??= error;
  });
  process.stderr.on('error', () => undefined);
  return async () => {
    // Writing does not take longer than the call, but a failure is told a little later.
    await setImmediate();
    return failure;
  };
}

/** A remark that is not part of the output, such as a warning. */
export function remark(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Text in aligned columns. Those with an index in `right` contain numbers. */
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

/** A progress bar on stderr, if that is a terminal; otherwise nothing. */
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

/** An instant to the second, as in files and on terminals. */
export const instant = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, 'Z');

/** Makes foreign text safe for a terminal: control characters are shown as their numbers. */
export const printable = (text: string): string =>
  text.replaceAll(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );

/**
 * Data as JSON for programs: keys in snake_case, instants with milliseconds. Also safe for a terminal: control
 * characters that JSON leaves unchanged are escaped.
 */
export function asSnakeCaseJson(data: object): string {
  return JSON.stringify(snakeCased(data), null, 2).replaceAll(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toLowerCase(),
      snakeCased(one),
    ]),
  );
}
