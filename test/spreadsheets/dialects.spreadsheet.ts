import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CellType, reportColumns } from '../../src/domain/report-columns.ts';
import { writeDialects } from '../../src/reports/dialects.ts';
import { copyName, type DialectName, reportKinds } from '../../src/reports/names.ts';
import { everything, line, type Report } from '../support/report-samples.ts';
import { fileOf } from '../support/report-folder-edits.ts';
import { writeReportFolder } from '../support/report-folders.ts';
import { openInCalc, type SheetCell } from './libreoffice.ts';

/** Text that one spreadsheet or another takes for something else, as it stands in a code. */
const delicate = [
  '1E10',
  '1e5',
  '007',
  '00123456789012345678',
  '2026-10',
  '2026-10-05',
  '10-12',
  '1/2',
  '3 mei',
  '1. Mai',
  '12:30',
  '1,5',
  '1.5',
  '1 234',
  '1 234',
  '1.234,56',
  '1,234.56',
  '5%',
  '€5',
  '½',
  '３',
  'TRUE',
  'waar',
  'Wahr',
  'faux',
  '#N/A',
  '+31',
  '-12.50',
  '=1+1',
  '@1',
  "'1",
  '0x1F',
  '1e400',
  'Mar 26',
  '26. März',
  'a;b',
  'a,b',
  'say "1"',
  ' 1',
  '1 ',
  '"1"',
];
const report: Report = {
  ...everything,
  lines: [...everything.lines, ...delicate.map((code, at) => line(`z-${String(at).padStart(3, '0')}`, { code }))],
};

/** Field separator, text delimiter, UTF-8, first line, columns, language, quoted as text, special numbers … formulas. */
const filterOf = (separator: number, language: number, special: boolean, formulas: boolean): string =>
  [separator, 34, 76, 1, '', language, false, special, false, false, false, -1, formulas].join(',');

const settings: readonly [DialectName, separator: number, language: number][] = [
  ['excel-en', 44, 1033],
  ['excel-nl', 59, 1043],
  ['excel-de', 59, 1031],
  ['excel-fr', 59, 1036],
];

describe.each(settings)('%s', (dialect, separator, language) => {
  test.each([
    ['special numbers off', false],
    ['special numbers on', true],
  ])('opens with every cell as it is in the canonical files, %s', async (_, special) => {
    const { sheets, canonical } = await open(dialect, filterOf(separator, language, special, true));
    let [cells, figures] = [0, 0];
    for (const [file, kind] of reportKinds.entries()) {
      expect(sheets[file]).toHaveLength(canonical[file]!.length);
      for (const [at, row] of canonical[file]!.entries())
        for (const [index, cell] of row.entries()) {
          const { header, type } = reportColumns[kind][index]!;
          const found = sheets[file]![at]![index];
          const where = `${kind}, row ${at + 1}, ${header}: ${JSON.stringify(found)}`;
          if (at === 0) expect(found?.text, where).toBe(header);
          else expect(spoken(found, type), where).toBe(cell === '' ? '' : expected(cell, type));
          cells += 1;
          if (at > 0 && cell !== '' && isFigure(type)) figures += 1;
        }
    }
    process.stdout.write(
      `${dialect}, special numbers ${special ? 'on' : 'off'}: ${cells} cells alike, ${figures} of them numbers\n`,
    );
  });

  test('where formulas are not evaluated, shows them as text and changes no value', async () => {
    const { sheets, canonical } = await open(dialect, filterOf(separator, language, false, false));
    for (const [file, kind] of reportKinds.entries())
      for (const [at, row] of canonical[file]!.entries())
        for (const [index, cell] of (at === 0 ? [] : row).entries()) {
          const { type } = reportColumns[kind][index]!;
          const found = spoken(sheets[file]![at]![index], type);
          expect([expected(cell, type), `="${cell}"`]).toContain(found);
        }
  });
});

test('the canonical files lose text when a spreadsheet opens them, which is why there are copies', async () => {
  const { canonical, sheets } = await open('excel-en', filterOf(44, 1033, true, true), false);
  const codes = reportKinds.indexOf('codes');
  const lost = canonical[codes]!.flatMap((row, at) => {
    const [shown, cell] = [spoken(sheets[codes]![at]![2], 'text'), row[2]!];
    return at === 0 || shown === cell ? [] : [`${cell} → ${shown}`];
  });
  process.stdout.write(`canonical codes file in English, lost: ${lost.join('; ')}\n`);
  expect(lost.length).toBeGreaterThan(5);
});

const isFigure = (type: CellType): boolean => ['price', 'amount', 'whole', 'signed'].includes(type);
const expected = (cell: string, type: CellType): string =>
  isFigure(type) && cell !== '' ? `number ${Number(cell)}` : cell;

/** Figures have to be numbers and all else text; `true` and `false` may be the spreadsheet's own. */
function spoken(cell: SheetCell | undefined, type: CellType): string {
  if (!cell || cell.type === null) return '';
  if (isFigure(type)) return cell.type === 'float' ? `number ${Number(cell.value)}` : `${cell.type} ${cell.text}`;
  if (type === 'boolean' && cell.type === 'boolean') return cell.value ?? '';
  return cell.type === 'string' ? cell.text : `${cell.type} ${cell.text}`;
}

async function open(dialect: DialectName, filter: string, isCopy = true) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'idscan-calc-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const directory = writeReportFolder(path.join(folder, '2026-10'), report);
  const bytes = readFileSync(path.join(directory, 'manifest.json'));
  await writeDialects(directory, { name: 'manifest.json', sha256: createHash('sha256').update(bytes).digest('hex') }, [
    dialect,
  ]);
  const names = reportKinds.map((kind) => fileOf(directory, kind));
  const canonical = names.map((name): string[][] =>
    parse(readFileSync(path.join(directory, name)), { record_delimiter: '\r\n' }),
  );
  const copies = names.map((name) => path.join(directory, isCopy ? copyName(name, dialect) : name));
  return { canonical, sheets: openInCalc(copies, folder, filter) };
}
