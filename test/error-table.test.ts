import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { errorTable } from '../src/error-table.ts';

/** The cells of the rows that begin with a code, of the section on codes. */
const documented = readFileSync(new URL('../docs/operations.md', import.meta.url), 'utf8')
  .split(/^## /m)
  .find((section) => section.startsWith('Error codes\n'))!
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.slice(2, -2).split(' | '));

describe('the table of errors', () => {
  test('is the one that the documents show', () => {
    const shown = documented.map(([code, , job, exit, http, hint]) => [code, job, exit, http?.trim(), hint]);
    const known = Object.entries(errorTable).map(([code, { job, exit, http, hint }]) => [
      `\`${code}\``,
      job,
      String(exit),
      http ? String(http[0]) : '',
      hint,
    ]);
    expect(shown).toEqual(known);
  });

  test('explains every code', () => {
    for (const [code, meaning] of documented) expect(meaning?.length, code).toBeGreaterThan(2);
  });

  test('does not repeat what the vendor has refused for good, and repeats what may pass', () => {
    const jobs = (pattern: RegExp) =>
      new Set(Object.entries(errorTable).flatMap(([code, { job }]) => (pattern.test(code) ? [job] : [])));
    expect(jobs(/^vendor_(not_found|gone|forbidden|rejected|unauthorized)$/)).toEqual(new Set(['never']));
    expect(jobs(/^vendor_(timeout|unreachable|unavailable|answer_truncated|answer_invalid)$/)).toEqual(
      new Set(['retry']),
    );
    expect(jobs(/^(vendor_rate_limited|storage_away)$/)).toEqual(new Set(['later']));
  });

  test('has a title for each status, and asks to come back only where that helps', () => {
    for (const [code, { http }] of Object.entries(errorTable)) {
      if (!http) continue;
      const [status, title] = http;
      expect(status, code).toBeGreaterThanOrEqual(400);
      expect(title, code).toMatch(/^[A-Z][^.]+$/);
    }
  });
});
