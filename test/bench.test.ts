import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';
import { median } from '../bench/measure.ts';
import { createTestFolder } from './support/books.ts';

const program = path.join(import.meta.dirname, '../bench/main.ts');

test('benchmarks run, and every contender does the same work', { timeout: 400_000 }, async () => {
  const output = path.join(await createTestFolder(), 'figures.json');
  const redisUrl = new URL(inject('redisUrl'));
  redisUrl.pathname = '/15';
  const only = 'results-with-files,enqueue,report';
  const args = ['--pairs', '1', '--scale', '0.01', '--only', only, '--output', output];
  const servers = ['--database-url', inject('adminUrl'), '--redis-url', redisUrl.toString()];
  // A contender that stores less than the others fails it.
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args, ...servers]);
  const { results } = JSON.parse(await readFile(output, 'utf8')) as {
    results: { name: string; series: { name: string; values: number[] }[]; lines: { value: number }[] }[];
  };
  expect(results.map(({ name }) => name)).toEqual(only.split(','));
  for (const { name, series, lines } of results) {
    expect(stdout).toContain(`${name}: `);
    for (const { values } of series) expect(values.every((value) => value > 0)).toBe(true);
    for (const { value } of lines) expect(value).toBeGreaterThan(0);
  }
});

test('the median is the middle, or the mean of both where two are', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});
