import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { LedgerError } from '../../src/errors.ts';

/** A price list, a member on a line. */
export const soundPrices = `{
  "version": "v1",
  "currency": "EUR",
  "source": "the contract",
  "prices": [
    { "task_type": "face_match", "level": null, "effective_from": "2026-01-01", "effective_to": null,
      "unit_price": "0.5" }
  ]
}
`;

/** A file of this content, gone when the test ends. A value that is no text or bytes is written as JSON. */
export function dataFile(content: unknown): string {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'idscan-data-file-'));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  const file = path.join(directory, 'data.json');
  const isRaw = typeof content === 'string' || Buffer.isBuffer(content);
  writeFileSync(file, isRaw ? content : JSON.stringify(content));
  return file;
}

/** The problems a refused file is refused for, without the file's name; whatever it returns instead of throwing fails. */
export function problemsOf(read: (path: string) => unknown, file: string): string[] {
  let error: unknown;
  try {
    error = { loaded: read(file) };
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(LedgerError);
  const { code, message, fields, hint } = error as LedgerError;
  expect(code).toBe('data_file_invalid');
  expect(hint).toBeDefined();
  const problems = message.split('\n').map((line) => {
    expect(line.startsWith(`${file}:`)).toBe(true);
    return line.slice(file.length + 1);
  });
  expect(fields).toEqual({ path: file, problems: problems.length });
  return problems;
}

/** The place in the file that each problem names, in order of their places. */
export function placesOf(read: (path: string) => unknown, content: unknown): string[] {
  return problemsOf(read, dataFile(content))
    .map((problem) => /^\d+: ([^:]+): /.exec(problem)?.[1] ?? problem)
    .sort();
}

/** The number of the only line that holds a text. */
export function lineWith(text: string, part: string): number {
  const lines = text.split('\n').flatMap((line, index) => (line.includes(part) ? [index + 1] : []));
  expect([part, lines]).toEqual([part, [lines[0]]]);
  return lines[0]!;
}

/** An object without one of its keys. */
export function without(object: Record<string, unknown>, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
