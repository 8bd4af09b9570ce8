import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyFolder } from '../../src/reports/verify.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { small } from '../support/report-samples.ts';
import { folderOf, found, sha256 } from './support.ts';
import { foundInOctober, headOfOctober, idOf, reconciled } from './support-reconciliation.ts';

const csv = 'idscan-cost_2026-10_reconciliation.csv';
const evidence = 'idscan-cost_2026-10_reconciliation-evidence.csv';
const json = 'reconciliation.json';

const textOf = (directory: string, name: string) => readFileSync(path.join(directory, name), 'utf8');

test('a reconciliation is written as promised, and proven from its folder', async () => {
  const directory = await reconciled(folderOf(small));
  expect(textOf(directory, csv).split('\r\n')).toEqual([
    'period,record_type,finding,invoice_number,invoice_line,task_type,level,effect,cause,subject,certainty,alternatives,own_quantity,vendor_quantity,quantity_difference,own_unit_price,vendor_unit_price,own_amount,vendor_amount,amount_difference,currency,likely_wrong,decision,evidence_rows,settled_amount,state',
    '2026-10,MATCH,,INV-1,2,document_scan,,,,,,,10,10,0,0.85,0.85,8.50,8.50,0.00,EUR,,,,,',
    '2026-10,FINDING,aaaaaaaaaaaaaaaa,INV-1,1,document_scan,advanced,quantity,rule,document_scan/blurred,ambiguous,rule(document_scan/blurred)|late(all),100,103,3,0.85,0.85,85.00,87.55,2.55,EUR,vendor,dispute,3,0.85,partly_settled',
    "2026-10,FINDING,bbbbbbbbbbbbbbbb,INV-1,3,,,extra_line,fee,'=Platform fee,fits,,,,0,,,,10.00,10.00,EUR,,,0,0.00,open",
    '2026-10,FINDING,cccccccccccccccc,CN-1,3,,,extra_line,credit,Credit,fits,,,,0,,,,-1.00,-1.00,EUR,,accept,0,0.00,accepted',
    '2026-10,TOTAL,,INV-1+CN-1,,,,,,,,,,,,,,93.50,105.05,11.55,EUR,,,,,',
    '',
  ]);
  const manifest = JSON.parse(textOf(directory, json)) as { files: unknown; sha256: unknown };
  const names = [csv, evidence];
  expect(manifest).toEqual({
    format: 'idscan-ledger-reconciliation-1',
    period: '2026-10',
    basis: 'closed',
    is_provisional: false,
    currency: 'EUR',
    invoices: [
      {
        number: 'INV-1',
        sha256: '1'.repeat(64),
        is_credit_note: false,
        layout: { name: 'ours', sha256: '2'.repeat(64) },
      },
      { number: 'CN-1', sha256: '3'.repeat(64), is_credit_note: true, layout: null },
    ],
    usage: { name: 'usage.csv', sha256: '4'.repeat(64), layout: null },
    totals: {
      own_amount: '93.50',
      vendor_amount: '105.05',
      amount_difference: '11.55',
      findings: 3,
      open_findings: 2,
    },
    carried_over: [
      {
        period: '2026-09',
        finding: idOf('d'),
        cause: 'fee',
        subject: 'Platform fee',
        decision: 'dispute',
        amount: '5.00',
        amount_left: '4.00',
        currency: 'EUR',
        since: '2026-10-20',
      },
    ],
    files: names.map((name, index) => {
      const text = textOf(directory, name);
      return { name, sha256: sha256(text), bytes: text.length, rows: [5, 3][index] };
    }),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
  });
  const { problems, notes, reconciliation } = await verifyFolder(directory);
  expect([problems, notes]).toEqual([[], []]);
  expect(reconciliation).toMatchObject({
    manifest: { period: '2026-10', totals: { findings: 3 } },
    manifestSha256: sha256(textOf(directory, json)),
  });
});

describe('figures of a reconciliation that were changed with all hashes brought up to date are found by row:', () => {
  const row = (cell: string, to: string) => (text: string) => text.replace(cell, to);
  test.each<[what: string, file: string, edit: (text: string) => string, expected: string[]]>([
    ['the month', csv, row('2026-10,MATCH', '2026-11,MATCH'), [`${csv}, row 2: period is 2026-11`]],
    ['the currency', csv, row(',EUR,vendor', ',USD,vendor'), [`${csv}, row 3: currency is USD`]],
    ['the kind of a row', csv, row(',MATCH,', ',OTHER,'), [`${csv}, row 2: record_type is OTHER, neither MATCH`]],
    [
      'a difference where there is none',
      csv,
      row('8.50,0.00', '8.50,0.01'),
      [`${csv}, row 2: amount_difference is not zero in a MATCH`],
    ],
    [
      'a difference, which is none of the total then',
      csv,
      row('87.55,2.55', '87.55,2.56'),
      [`${csv}: the findings do not add up to the difference`],
    ],
    [
      'a finding that is there twice',
      csv,
      row(idOf('b'), idOf('c')),
      [
        `${csv}, row 5: finding ${idOf('c')} is there twice`,
        `${json}: totals: 3 findings, 2 of them open; the file has 2 and 2`,
      ],
    ],
    ['a state', csv, row(',open', ',settled'), [`${csv}, row 4: state is settled, not open`]],
    ['a decision', csv, row('EUR,,,0,0.00', 'EUR,,expect,0,0.00'), [`${csv}, row 4: state is open, not expected`]],
    [
      'more settled than there is',
      csv,
      row('3,0.85,partly', '3,2.56,partly'),
      [`${csv}, row 3: settled_amount is more than the amount, or of the other sign`],
    ],
    [
      'settled of the other sign',
      csv,
      row('3,0.85,partly', '3,-0.85,partly'),
      [`${csv}, row 3: settled_amount is more than the amount, or of the other sign`],
    ],
    [
      'one that is settled as a whole',
      csv,
      row('3,0.85,partly_settled', '3,2.55,settled'),
      [`${json}: totals: 3 findings, 2 of them open; the file has 3 and 1`],
    ],
    ['no TOTAL', csv, (text) => text.replace(/2026-10,TOTAL.*\r\n/, ''), [`${csv}: has no TOTAL`]],
    [
      'a row behind it',
      csv,
      (text) => text.replace(/(2026-10,MATCH.*\r\n)([^]*)/, '$2$1'),
      [`${csv}, row 6: stands behind the TOTAL`],
    ],
    [
      'own_amount',
      csv,
      row('93.50,105.05', '93.51,105.05'),
      [`${json}: totals.own_amount is 93.50, the TOTAL is 93.51`],
    ],
    [
      'vendor_amount',
      csv,
      row('105.05,11.55', ',11.55'),
      [`${json}: totals.vendor_amount is 105.05, the TOTAL is empty`],
    ],
    [
      'amount_difference',
      csv,
      row('105.05,11.55', '105.05,11.56'),
      [`${json}: totals.amount_difference is 11.55, the TOTAL is 11.56`],
    ],
    [
      'a row of evidence too few',
      evidence,
      (text) => text.replace(/.*,t-3,.*\r\n/, ''),
      [`${evidence}: finding ${idOf('a')} has 2 rows, evidence_rows says 3`],
    ],
    [
      'evidence of another finding',
      evidence,
      (text) => text.replaceAll(idOf('a'), idOf('e')),
      [
        ...[2, 3, 4].map((at) => `${evidence}, row ${at}: finding ${idOf('e')} is not in the reconciliation`),
        `${evidence}: finding ${idOf('a')} has 0 rows, evidence_rows says 3`,
      ],
    ],
    ['a cell that is none', evidence, row(',false,true', ',no,true'), [`${evidence}, row 2: own_invoiced is no`]],
  ])('%s', async (_, file, edit, expected) => {
    const directory = await reconciled(folderOf(small));
    editFile(directory, file, edit);
    sealAgain(directory, undefined, json);
    expect(await found(directory)).toEqual(expected.map((one) => expect.stringContaining(one) as unknown));
  });

  test.each<[what: string, edit: (manifest: Record<string, unknown>) => void, expected: string]>([
    ['the month', (manifest) => (manifest['period'] = '2026-11'), 'is of 2026-11'],
    ['the format', (manifest) => (manifest['format'] = 'idscan-ledger-reconciliation-2'), 'format: '],
    ['no amount', (manifest) => edited(manifest, { own_amount: 'much' }), 'totals.own_amount: not an amount'],
    ['a negative number of findings', (manifest) => edited(manifest, { findings: -1 }), 'totals.findings: '],
    [
      'the number of findings',
      (manifest) => edited(manifest, { findings: 4 }),
      'totals: 4 findings, 2 of them open; the file has 3 and 2',
    ],
    [
      'the number of open ones',
      (manifest) => edited(manifest, { open_findings: 3 }),
      'totals: 3 findings, 3 of them open; the file has 3 and 2',
    ],
    [
      'a hash that is none',
      (manifest) => filesOf(manifest).forEach((one) => (one['sha256'] = 'x')),
      'files.0.sha256: ',
    ],
    ['a file that it does not name', (manifest) => filesOf(manifest).pop(), `does not name ${evidence} once`],
    [
      'a file that it names twice',
      (manifest) => filesOf(manifest).push(filesOf(manifest)[1]!),
      `does not name ${evidence} once`,
    ],
  ])('in its manifest: %s', async (_, edit, expected) => {
    const directory = await reconciled(folderOf(small));
    sealAgain(directory, edit, json);
    expect((await found(directory))[0]).toContain(`${json}: ${expected}`);
  });

  const edited = (manifest: Record<string, unknown>, totals: object) =>
    Object.assign(manifest['totals'] as object, totals);
  const filesOf = (manifest: Record<string, unknown>) => manifest['files'] as Record<string, string>[];

  test('amounts that all say the same difference, which is not theirs', async () => {
    const directory = await reconciled(folderOf(small));
    editFile(directory, csv, row('93.50,105.05', '93.50,105.06'));
    sealAgain(directory, (manifest) => edited(manifest, { vendor_amount: '105.06' }), json);
    expect(await found(directory)).toEqual([`${json}: totals: the difference is not that of the amounts`]);
  });

  test('bytes that no sum shows', async () => {
    const directory = await reconciled(folderOf(small));
    editFile(directory, evidence, row('t-1', 't-9'));
    expect(await found(directory)).toEqual([expect.stringContaining(`${evidence}: was changed after it was written`)]);
    const other = await reconciled(folderOf(small));
    editFile(other, json, row('"usage.csv"', '"other.csv"'));
    expect(await found(other)).toEqual([expect.stringContaining(`${json}: was changed after it was written`)]);
  });

  test('files that are missing or do not read', async () => {
    const directory = await reconciled(folderOf(small));
    writeFileSync(path.join(directory, json), '{');
    expect((await found(directory))[0]).toBe(`${json}: cannot be read: it ends too early`);
    expect((await verifyFolder(directory)).reconciliation).toBeUndefined();
    rmSync(path.join(directory, json));
    mkdirSync(path.join(directory, json));
    expect(await found(directory)).toContainEqual(`${json}: cannot be read`);
    const other = await reconciled(folderOf(small));
    rmSync(path.join(other, csv));
    rmSync(path.join(other, evidence));
    expect((await found(other)).slice(0, 2)).toEqual([
      `${csv}: cannot be read (ENOENT)`,
      `${evidence}: cannot be read (ENOENT)`,
    ]);
  });
});

test('a month that came to nothing has a reconciliation, too', async () => {
  const total = { ownAmount: 0n, vendorAmount: 0n, amountDifference: 0n };
  const nothing = { ...foundInOctober, findings: [], matches: [], total };
  const directory = await reconciled(folderOf(small), { ...headOfOctober, usage: null, carried: [] }, nothing);
  editFile(directory, evidence, (text) => text.slice(0, text.indexOf('\n') + 1));
  sealAgain(directory, undefined, json);
  expect(await found(directory)).toEqual([]);
});
