import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import papaparse from 'papaparse';
import { describe, expect, test } from 'vitest';
import { detailQuery, discrepanciesQuery, referencesQuery } from '../../src/db/report-files.ts';
import { columnsOf, reportColumns, presentLayout } from '../../src/domain/report-columns.ts';
import { copyOf, protectText, writeDialects } from '../../src/reports/dialects.ts';
import { codesColumns, type ReportHead, summaryColumns } from '../../src/reports/files.ts';
import { isSealIntact } from '../../src/reports/manifest.ts';
import { copyName, dialectNames, ownName, reportKinds } from '../../src/reports/names.ts';
import { publishDrafts, writeDraft } from '../../src/reports/publish.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { everything, inPresentLayout, type Report, small } from '../support/report-samples.ts';
import { fileOf } from '../support/report-folder-edits.ts';
import { folderOf, manifestOf, sha256 } from './support.ts';

/** What a spreadsheet shows of a cell. */
const shown = (cell: string): string => /^="([^"]*)"$/.exec(cell)?.[1] ?? cell;
const isFigure = (type: string): boolean => ['price', 'amount', 'whole', 'signed'].includes(type);

/** Reads CSV with a reader that takes no part in writing it; Python's is asked in test/debian. */
function foreign(file: string, delimiter: string): string[][] {
  const { data, errors } = papaparse.parse<string[]>(readFileSync(file, 'utf8'), { delimiter, newline: '\r\n' });
  expect(errors).toEqual([]);
  // it takes the end of the last line for the beginning of another one
  expect(data.pop()).toEqual(['']);
  return data;
}

test.each([1, 2, presentLayout])('the columns of layout %i are those that are written', (layout) => {
  const head: ReportHead = { period: '2026-10', status: 'provisional', priceList: undefined, layout };
  const written = {
    detail: detailQuery('select', '2026-10', null, layout).headers,
    summary: summaryColumns(head).map(({ header }) => header),
    references: referencesQuery('select', head).headers,
    codes: codesColumns(head).map(({ header }) => header),
    discrepancies: discrepanciesQuery('select', '2026-10').headers,
  };
  for (const kind of reportKinds) expect(columnsOf(kind, layout).map(({ header }) => header)).toEqual(written[kind]);
});

describe('text that a spreadsheet would change is protected:', () => {
  test.each([
    '1E10',
    '007',
    '2026-10',
    '1/2',
    '12:30',
    '5%',
    '€5',
    '３',
    '½',
    'TRUE',
    'waar',
    'Faux',
    '#N/A',
    "'-12.50",
    '1 to 9',
  ])('%s', (text) => {
    expect(protectText(text)).toBe(`="${text}"`);
  });

  test.each(['', 'advanced', 'document_scan', '(missing)', 'é, ü; x', 'truely', "'=cmd()", 'say "1"', `"1`, '\u00071'])(
    '%j stays',
    (text) => {
      expect(protectText(text)).toBe(text);
    },
  );

  test('and never becomes another formula than one that is that very text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('ab1"=&(),;+ é#\t')), maxLength: 8 }), (text) => {
        const cell = protectText(text);
        expect(cell === text || (cell === `="${text}"` && !text.includes('"'))).toBe(true);
      }),
    );
  });
});

describe.each(dialectNames)('%s', (dialect) => {
  const [delimiter, mark] = dialect === 'excel-en' ? [',', '.'] : [';', ','];

  test('has the cells of the canonical files, read with two readers', async () => {
    const directory = folderOf(inPresentLayout(everything));
    const [written] = await writeDialects(directory, manifestOf(directory), [dialect]);
    expect(written!.files).toHaveLength(reportKinds.length);
    for (const kind of reportKinds) {
      const name = fileOf(directory, kind);
      const canonical = parse(readFileSync(path.join(directory, name)), { record_delimiter: '\r\n' });
      const file = path.join(directory, copyName(name, dialect));
      const bytes = readFileSync(file);
      expect(bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
      const rows: string[][] = parse(bytes, { bom: true, delimiter, record_delimiter: '\r\n' });
      expect(foreign(file, delimiter)).toEqual(rows);
      const columns = reportColumns[kind];
      expect(rows[0]).toEqual(canonical[0]);
      expect(rows).toHaveLength(canonical.length);
      for (const [at, row] of rows.entries())
        for (const [index, cell] of (at === 0 ? [] : row).entries()) {
          const { type } = columns[index]!;
          const before = canonical[at]![index]!;
          const isAmount = type === 'amount' || type === 'price';
          if (isFigure(type)) expect(cell).toBe(isAmount ? before.replace('.', mark) : before);
          else expect(shown(cell)).toBe(before);
          if (!isFigure(type) && /\d/.test(before) && !before.includes('"')) expect(cell).toBe(`="${before}"`);
        }
    }
  });

  test('has a sealed manifest that says what was made from what', async () => {
    const directory = folderOf(inPresentLayout(small));
    const source = manifestOf(directory);
    const [written] = await writeDialects(directory, source, [dialect]);
    const bytes = readFileSync(path.join(directory, `manifest.${dialect}.json`));
    expect(isSealIntact(bytes)).toBe(true);
    expect(written!.manifest.sha256).toBe(sha256(bytes));
    const manifest = JSON.parse(bytes.toString()) as Record<string, unknown>;
    expect(manifest).toMatchObject({ dialect, period: '2026-10', period_status: 'provisional', derived_from: source });
    expect(manifest['files']).toEqual(
      reportKinds.map((kind) => {
        const name = fileOf(directory, kind);
        const copy = readFileSync(path.join(directory, copyName(name, dialect)));
        const rows = copy.toString().split('\r\n').length - 2;
        return {
          name: copyName(name, dialect),
          sha256: sha256(copy),
          bytes: copy.length,
          rows,
          derived_from: { name, sha256: sha256(readFileSync(path.join(directory, name))) },
        };
      }),
    );
  });
});

describe('copies', () => {
  test('of any cells read back as them', async () => {
    const text = fc.string({ unit: fc.constantFrom(...Array.from('a1",;\'= é-')), maxLength: 6 });
    const width = reportColumns.codes.length;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(text, { minLength: width, maxLength: width }), { maxLength: 5 }),
        fc.constantFrom(...dialectNames),
        async (rows, dialect) => {
          const csv = [reportColumns.codes.map(({ header }) => header), ...rows]
            .map(
              (row) =>
                `${row.map((cell) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')}\r\n`,
            )
            .join('');
          const chunks: Buffer[] = [];
          for await (const chunk of copyOf(Readable.from([Buffer.from(csv)]), 'codes', dialect)) chunks.push(chunk);
          const delimiter = dialect === 'excel-en' ? ',' : ';';
          const back: string[][] = parse(Buffer.concat(chunks), { bom: true, delimiter, record_delimiter: '\r\n' });
          const textAt = reportColumns.codes.findIndex(({ type }) => type === 'text');
          expect(back.slice(1).map((row) => row[textAt])).toEqual(rows.map((row) => protectText(row[textAt]!)));
        },
      ),
    );
  });

  test('give the same bytes when they are made again, and each dialect once', async () => {
    const directory = folderOf(inPresentLayout(everything));
    const [first] = await writeDialects(directory, manifestOf(directory), ['excel-nl', 'excel-nl']);
    const [again, ...others] = await writeDialects(directory, manifestOf(directory), ['excel-nl']);
    expect(others).toEqual([]);
    expect(again!.manifest.sha256).toBe(first!.manifest.sha256);
  });

  test('are not made from files that are not those of the manifest, and nothing is left behind', async () => {
    const directory = folderOf(inPresentLayout(small));
    const manifest = manifestOf(directory);
    const before = readdirSync(directory);
    await expect(writeDialects(directory, { ...manifest, sha256: '0' }, ['excel-nl'])).rejects.toMatchObject({
      code: 'report_changed',
    });
    writeFileSync(path.join(directory, fileOf(directory, 'discrepancies')), 'x');
    await expect(writeDialects(directory, manifest, ['excel-nl'])).rejects.toMatchObject({ code: 'report_changed' });
    expect(readdirSync(directory)).toEqual(before);
  });
});

describe('a new set', () => {
  /** Publishes a hand-made report over another one, as a run would. */
  async function publish(directory: string, report: Report): Promise<void> {
    const made = folderOf(report);
    const names = [...reportKinds.map((kind) => fileOf(made, kind)), 'manifest.json'];
    const drafts = [];
    for (const name of names) drafts.push(await writeDraft(directory, name, [readFileSync(path.join(made, name))]));
    await publishDrafts(directory, drafts);
  }
  const others = [
    'notes.txt',
    'idscan-cost_2026-09_provisional_detail.csv',
    'idscan-cost_2026-10_provisional_detail.csv.bak',
    'idscan-cost_2026-10_provisional_other.csv',
    'my idscan-cost_2026-10_provisional_detail.csv',
    'manifest.excel-xx.json',
    '.DS_Store',
  ];

  test('replaces copies of an older one, and files of another status, and nothing else', async () => {
    const directory = folderOf(inPresentLayout(small));
    await writeDialects(directory, manifestOf(directory), ['excel-en', 'excel-fr']);
    for (const name of others) writeFileSync(path.join(directory, name), name);
    await publish(directory, inPresentLayout(everything));
    const own = reportKinds.map((kind) => `idscan-cost_2026-10_v1_${kind}.csv`);
    expect(readdirSync(directory).sort()).toEqual([...others, ...own, 'manifest.json'].sort());
    for (const name of others) rmSync(path.join(directory, name));
    expect(await verifyFolder(directory)).toMatchObject({ problems: [] });
  });

  test('of the same bytes keeps the copies made from it', async () => {
    const directory = folderOf(inPresentLayout(small));
    await writeDialects(directory, manifestOf(directory), ['excel-nl']);
    writeFileSync(path.join(directory, 'idscan-cost_2026-10_v1_codes.excel-nl.csv'), 'of an older set');
    await publish(directory, inPresentLayout(small));
    expect(await verifyFolder(directory)).toMatchObject({ problems: [], dialects: ['excel-nl'] });
  });

  test.each([
    ['idscan-cost_2026-10_provisional_detail.csv', { period: '2026-10', dialect: undefined }],
    ['idscan-cost_2026-10_v12_codes.excel-de.csv', { period: '2026-10', dialect: 'excel-de' }],
    ['manifest.json', { period: undefined, dialect: undefined }],
    ['manifest.excel-en.json', { period: undefined, dialect: 'excel-en' }],
    ['idscan-cost_2026-10_v_codes.csv', undefined],
    ['idscan-cost_2026-10_v1_codes.excel-it.csv', undefined],
    ['xmanifest.json', undefined],
  ])('%s is recognised by its name', (name, expected) => {
    expect(ownName(name)).toEqual(expected);
  });
});
