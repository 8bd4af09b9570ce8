import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { writeDialects } from '../../src/reports/dialects.ts';
import { copyName, dialectNames, reportKinds } from '../../src/reports/names.ts';
import { folderOf, manifestOf } from '../reports/support.ts';
import { everything, inPresentLayout } from '../support/report-samples.ts';
import { fileOf } from '../support/report-folder-edits.ts';

/** Reads CSV with Python's own reader. */
function python(file: string, delimiter: string): string[][] {
  const script = `import csv, json, sys
with open(sys.argv[1], encoding="utf-8-sig", newline="") as file:
    json.dump(list(csv.reader(file, delimiter=sys.argv[2], strict=True)), sys.stdout)`;
  return JSON.parse(execFileSync('python3', ['-c', script, file, delimiter], { encoding: 'utf8' })) as string[][];
}

test('the canonical files have the same cells for Python as for csv-parse', () => {
  const directory = folderOf(inPresentLayout(everything));
  for (const kind of reportKinds) {
    const file = path.join(directory, fileOf(directory, kind));
    expect(python(file, ',')).toEqual(parse(readFileSync(file), { record_delimiter: '\r\n' }));
  }
});

test.each(dialectNames)('the copies for %s have the same cells for Python as for csv-parse', async (dialect) => {
  const delimiter = dialect === 'excel-en' ? ',' : ';';
  const directory = folderOf(inPresentLayout(everything));
  await writeDialects(directory, manifestOf(directory), [dialect]);
  for (const kind of reportKinds) {
    const file = path.join(directory, copyName(fileOf(directory, kind), dialect));
    const rows: string[][] = parse(readFileSync(file), { bom: true, delimiter, record_delimiter: '\r\n' });
    expect(rows.length).toBeGreaterThan(1);
    expect(python(file, delimiter)).toEqual(rows);
  }
});
