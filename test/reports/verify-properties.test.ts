import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { formatAmount, parsePrice } from '../../src/domain/money.ts';
import { reportColumns, type ReportKind } from '../../src/domain/report-columns.ts';
import { cellProblem, compareKeys, microsOf, original } from '../../src/reports/verify/cells.ts';
import { neutraliseFormula } from '../../src/reports/csv.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { fileOf, sealAgain } from '../support/report-folder-edits.ts';
import { type Line, line, type Report } from '../support/report-samples.ts';
import { writeReportFolder } from '../support/report-folders.ts';

const root = mkdtempSync(path.join(os.tmpdir(), 'idscan-verify-'));
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
let folders = 0;
const written = (report: Report): string => writeReportFolder(path.join(root, String((folders += 1))), report);

const price = fc.integer({ min: 0, max: 20_000_000 }).map((micros) => formatAmount(BigInt(micros), 2));
const anyLine = fc.record({
  task: fc.constantFrom('document_scan', 'face_match', '=odd'),
  code: fc.constantFrom('', 'blurry', '1E10', 'a, "b"'),
  level: fc.constantFrom('', 'advanced', '007'),
  price: fc.oneof({ weight: 9, arbitrary: price }, { weight: 1, arbitrary: fc.constant(null) }),
  invoiced: fc.constantFrom(true, true, false, null),
  quantity: fc.constantFrom<1 | -1>(1, -1),
  corrects: fc.constantFrom('', '', '', '2026-08', '2026-09'),
  reference: fc.constantFrom('', 'shop', '-7', 'Shop'),
});
const decided: Record<string, boolean | null> = { '': true, blurry: false, '1E10': null, 'a, "b"': true };
const anyReport = fc
  .record({
    drafts: fc.array(anyLine, { maxLength: 12 }),
    minimum: fc.constantFrom(null, '0.00', '10.00', '500.00'),
    currency: fc.constantFrom('EUR', 'EUR', 'EUR', null),
    version: fc.constantFrom(null, 1),
    layout: fc.constantFrom(1 as const, 3 as const),
  })
  .map(({ drafts, ...report }): Report => {
    const lines = drafts.map((draft, at): Line => {
      const quantity = draft.corrects === '' ? 1 : draft.quantity;
      const at_ = draft.corrects === '' ? '2026-10-05T10:00:00Z' : `${draft.corrects}-05T10:00:00Z`;
      // One rule table decides what is alike alike; what it says of closed months may have changed.
      const invoiced = draft.corrects === '' ? decided[draft.code] : draft.invoiced;
      return line(String(at).padStart(3, '0'), {
        ...draft,
        invoiced: invoiced ?? null,
        quantity,
        at: at_,
        tier: draft.price === null ? '' : 'flat',
      });
    });
    return { ...report, ...(report.currency === null ? { minimum: null } : {}), lines };
  });

test('whatever the month, its report is proven', async () => {
  await fc.assert(
    fc.asyncProperty(anyReport, async (report) => {
      expect((await verifyFolder(written(report))).problems).toEqual([]);
    }),
    { numRuns: 100 },
  );
});

/** Figures that follow from others. The rest is not in the detail file or says only what it says. */
const derived: Record<ReportKind, string[]> = {
  detail: ['amount', 'quantity', 'corrects_period'],
  summary: ['attempts', 'invoiced', 'not_invoiced', 'unclassified', 'unit_price', 'amount'],
  references: ['reference', 'attempts', 'invoiced', 'not_invoiced', 'unclassified', 'unit_price', 'amount'],
  codes: ['attempts', 'invoiced', 'amount'],
  discrepancies: ['own_quantity', 'vendor_quantity', 'difference'],
};

test('whichever figure is changed, it is found although all hashes were brought up to date', async () => {
  const place = fc.constantFrom(
    ...(Object.entries(derived) as [ReportKind, string[]][]).flatMap(([kind, names]) =>
      names.map((name) => ({ kind, name })),
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      anyReport,
      place,
      fc.nat(),
      fc.constantFrom('0', '1', '2', '-1', '0.01', '7.77', ''),
      async (report, { kind, name }, at, cell) => {
        fc.pre(kind !== 'references' || report.layout === 3);
        const directory = written({ ...report, discrepancies: [['zzz', 0, 2]] });
        const file = fileOf(directory, kind);
        const rows = readFileSync(path.join(directory, file), 'utf8').split('\r\n');
        const row = 1 + (at % Math.max(1, rows.length - 2));
        const column = reportColumns[kind].findIndex(({ header }) => header === name);
        const cells = rows[row]?.match(/(?:"(?:[^"]|"")*"|[^,"]*)(?:,|$)/g)?.map((one) => one.replace(/,$/, '')) ?? [];
        fc.pre(rows.length > 2 && cells[column] !== cell);
        cells[column] = cell;
        rows[row] = cells.slice(0, reportColumns[kind].length).join(',');
        writeFileSync(path.join(directory, file), rows.join('\r\n'));
        sealAgain(directory);
        const { problems } = await verifyFolder(directory);
        expect(problems).not.toEqual([]);
        // A free reversal that becomes a line is right by itself: it shows where it is added up.
        if (name !== 'corrects_period' && name !== 'quantity')
          expect(problems).toContainEqual(expect.objectContaining({ file }));
        if (name === 'amount') expect(problems).toContainEqual(expect.objectContaining({ file, row: row + 1 }));
      },
    ),
    { numRuns: 200 },
  );
});

test('amounts are read exactly, and only as they are written', () => {
  const column = reportColumns.detail.find(({ type }) => type === 'amount')!;
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 18n), max: 10n ** 18n }), fc.constantFrom(0, 2, 3, 4), (micros, digits) => {
      const cell = formatAmount(micros, digits);
      expect(microsOf(cell)).toBe(micros);
      expect(cellProblem(column, cell, digits)).toBeUndefined();
      if (micros >= 0n && micros < 10n ** 18n) expect(parsePrice(cell)).toBe(micros);
      if (cell.includes('.')) expect(cellProblem(column, `${cell}0`, digits)).toBeDefined();
    }),
  );
  for (const cell of ['1e3', '1.2345678', '.5', '5.', '+1.00', '1,00', '01.00', ' 1.00', 'NaN', '-0.00'])
    expect(cellProblem(column, cell, 2)).toBeDefined();
});

test('rows are ordered by the bytes of what a text was before it was kept from being a formula', () => {
  const text = fc.string({ unit: fc.constantFrom(...Array.from('=+-@a\u{ffff}😀＝')), maxLength: 3 });
  fc.assert(
    fc.property(text, text, (a, b) => {
      const expected = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const own = Math.sign(compareKeys([original(neutraliseFormula(a)), 1], [original(neutraliseFormula(b)), 1]));
      expect(own).toBe(expected);
    }),
  );
});
