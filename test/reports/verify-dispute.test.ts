import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { disputeEvidenceName, disputeName, languages, letterName } from '../../src/reports/dispute/files.ts';
import { localFolder } from '../../src/reports/folder-reports.ts';
import { isDispute, verifyDispute } from '../../src/reports/verify/dispute.ts';
import { problemText } from '../../src/reports/verify/problems.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { sha256 } from './support.ts';
import { disputed } from './support-dispute.ts';
import { emptyFolder, idOf } from './support-reconciliation.ts';

const period = '2026-10';
const csv = disputeName(period);
const evidence = disputeEvidenceName(period);
const [english, dutch] = languages.map((language) => letterName(period, language)) as [string, string];
const json = 'dispute.json';

const said = async (directory: string) => (await verifyDispute(directory)).problems.map(problemText);
const totalsOf = (manifest: Record<string, unknown>) => manifest['totals'] as Record<string, unknown>;
const filesOf = (manifest: Record<string, unknown>) => manifest['files'] as Record<string, unknown>[];
/** Letters have no rows. */
const seal = (directory: string, edit: (manifest: Record<string, unknown>) => void = () => undefined) =>
  sealAgain(
    directory,
    (manifest) => {
      for (const file of filesOf(manifest)) if (String(file['name']).endsWith('.txt')) file['rows'] = null;
      edit(manifest);
    },
    json,
  );

test('a dispute is proven from its folder, with what its manifest promises', async () => {
  const directory = await disputed();
  const bytes = readFileSync(path.join(directory, json));
  const { problems, problemCount, notes, manifest, manifestSha256 } = await verifyDispute(directory);
  expect([problems, problemCount, notes, manifestSha256]).toEqual([[], 0, [], sha256(bytes)]);
  const rows = [null, null, 3, 3];
  expect(JSON.parse(bytes.toString())).toEqual({
    format: 'idscan-ledger-dispute-1',
    period,
    currency: 'EUR',
    invoices: [{ number: 'INV-1', sha256: '1'.repeat(64), issue_date: '2026-11-02' }],
    reconciliation_sha256: manifest?.reconciliation_sha256,
    totals: {
      findings: 3,
      disputed_amount: '11.55',
      settled_amount: '0.85',
      expected_credit: '10.70',
      payable_credit: '10.70',
      evidence_rows: 3,
    },
    files: [english, dutch, csv, evidence].map((name, index) => {
      const file = readFileSync(path.join(directory, name));
      return { name, sha256: sha256(file), bytes: file.length, rows: rows[index] };
    }),
    sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
  });
  expect(await isDispute(directory)).toBe(true);
  expect(await isDispute(localFolder(emptyFolder()))).toBe(false);
  expect(await isDispute(path.join(directory, 'nothing'))).toBe(false);
  rmSync(path.join(directory, json));
  expect(await isDispute(directory), 'without its manifest').toBe(false);
});

describe('what was changed in a dispute with all hashes brought up to date is found:', () => {
  const row = (cell: string, to: string) => (text: string) => text.replace(cell, to);
  test.each<[what: string, file: string, edit: (text: string) => string, expected: string[]]>([
    ['the month', csv, row('2026-10', '2026-11'), [`${csv}, row 2: period is 2026-11, not 2026-10`]],
    ['the currency', csv, row(',EUR,', ',USD,'), [`${csv}, row 2: currency is USD, not EUR`]],
    ['a decision', csv, row(',dispute,', ',accept,'), [`${csv}, row 2: decision is accept, not dispute`]],
    ['a kind of row', csv, row('FINDING', 'MATCH'), [`${csv}, row 2: record_type is MATCH, not FINDING`]],
    [
      'a finding that is there twice',
      csv,
      row(idOf('b'), idOf('c')),
      [
        `${csv}, row 4: finding ${idOf('c')} is there twice`,
        `${csv}: the findings do not add up to disputed_amount, 11.55`,
        `${csv}: the findings do not add up to expected_credit, 10.70`,
        `${json}: totals.payable_credit is 10.70, not expected_credit rounded`,
        `${json}: totals.findings is 3, the file has 2`,
      ],
    ],
    [
      'an amount',
      csv,
      row('87.55,2.55', '87.55,2.56'),
      [
        `${csv}: the findings do not add up to disputed_amount, 11.55`,
        `${csv}: the findings do not add up to expected_credit, 10.70`,
        `${json}: totals.payable_credit is 10.70, not expected_credit rounded`,
      ],
    ],
    [
      'what is settled',
      csv,
      row('3,0.85,partly', '3,0.86,partly'),
      [
        `${csv}: the findings do not add up to settled_amount, 0.85`,
        `${csv}: the findings do not add up to expected_credit, 10.70`,
        `${json}: totals.payable_credit is 10.70, not expected_credit rounded`,
      ],
    ],
    [
      'a row of evidence',
      evidence,
      (text) => text.replace(/.*,t-3,.*\r\n/, ''),
      [
        `${evidence}: has 2 rows, totals.evidence_rows is 3`,
        `${evidence}: finding ${idOf('a')} has 2 rows, evidence_rows says 3`,
      ],
    ],
    [
      'whose evidence it is',
      evidence,
      (text) => text.replaceAll(idOf('a'), idOf('e')),
      [
        ...[2, 3, 4].map((at) => `${evidence}, row ${at}: finding ${idOf('e')} is not disputed here`),
        `${evidence}: finding ${idOf('a')} has 0 rows, evidence_rows says 3`,
      ],
    ],
    [
      'a row that does not read',
      csv,
      row(',0.85,0.85,85', ',0.850,0.85,85'),
      [`${csv}, row 2: own_unit_price is 0.850`],
    ],
    ['evidence that does not read', evidence, row(',false,', ',no,'), [`${evidence}, row 2: own_invoiced is no`]],
    [
      'the credit in a letter',
      english,
      (text) => text.replaceAll('10.70', '10.71'),
      [`${english}: does not name the expected credit, EUR 10.70`],
    ],
    [
      'the credit in another',
      dutch,
      (text) => text.replaceAll('10,70', '10,71'),
      [`${dutch}: does not name the expected credit, EUR 10,70`],
    ],
  ])('%s', async (_, file, edit, expected) => {
    const directory = await disputed();
    editFile(directory, file, edit);
    seal(directory);
    expect(await said(directory)).toEqual(expected.map((one) => expect.stringContaining(one) as unknown));
  });

  test.each<[what: string, edit: (manifest: Record<string, unknown>) => void, expected: string[]]>([
    ['findings', (manifest) => (totalsOf(manifest)['findings'] = 4), [`${json}: totals.findings is 4, the file has 3`]],
    [
      'payable_credit',
      (manifest) => (totalsOf(manifest)['payable_credit'] = '10.71'),
      [
        `${json}: totals.payable_credit is 10.71, not expected_credit rounded`,
        `${english}: does not name the expected credit, EUR 10.71`,
        `${dutch}: does not name the expected credit, EUR 10,71`,
      ],
    ],
    ['no payable_credit, as once', (manifest) => delete totalsOf(manifest)['payable_credit'], []],
    [
      'evidence_rows',
      (manifest) => (totalsOf(manifest)['evidence_rows'] = 4),
      [`${evidence}: has 3 rows, totals.evidence_rows is 4`],
    ],
    [
      'its files',
      (manifest) => filesOf(manifest).reverse(),
      [`${json}: names other files than ${english}, ${dutch}, ${csv}, ${evidence}`],
    ],
    [
      'no amount',
      (manifest) => (totalsOf(manifest)['settled_amount'] = 'x'),
      [`${json}: totals.settled_amount: not an amount`],
    ],
    [
      'the size of a letter',
      (manifest) => (filesOf(manifest)[0]!['bytes'] = 1),
      [`${english}: was changed after it was written`],
    ],
    ['no month', (manifest) => (manifest['period'] = '2026-13'), [`${json}: period: `]],
    ['no hash', (manifest) => (manifest['reconciliation_sha256'] = 'x'), [`${json}: reconciliation_sha256: `]],
  ])('in its manifest: %s', async (_, edit, expected) => {
    const directory = await disputed();
    seal(directory, edit);
    expect(await said(directory)).toEqual(expected.map((one) => expect.stringContaining(one) as unknown));
  });

  test('each in its column, where it has one', async () => {
    const directory = await disputed();
    editFile(directory, csv, (text) => text.replace(idOf('b'), idOf('c')));
    editFile(directory, evidence, (text) => text.replace(idOf('a'), idOf('e')));
    seal(directory);
    const { problems } = await verifyDispute(directory);
    expect(problems.map(({ file, row, column }) => [file, row, column])).toEqual([
      ...[[csv, 4, 'finding'], ...Array.from({ length: 2 }, () => [csv, undefined, 'amount_difference'])],
      ...[
        [json, undefined, undefined],
        [json, undefined, undefined],
        [evidence, 2, 'finding'],
        [evidence, undefined, undefined],
      ],
    ]);
  });

  test('bytes that no sum shows', async () => {
    for (const [file, from, to] of [
      [english, 'INV-1', 'INV-2'],
      [dutch, 'INV-1', 'INV-12'],
      [evidence, 't-1', 't-9'],
      [json, 'INV-1', 'INV-2'],
    ] as const) {
      const directory = await disputed();
      editFile(directory, file, (text) => text.replace(from, to));
      expect(await said(directory)).toEqual([expect.stringContaining(`${file}: was changed after it was written`)]);
    }
  });

  test('files that are missing, added, or folders', async () => {
    const directory = await disputed();
    rmSync(path.join(directory, csv));
    rmSync(path.join(directory, dutch));
    writeFileSync(path.join(directory, 'notes.txt'), '');
    writeFileSync(path.join(directory, '.DS_Store'), '');
    expect(await said(directory)).toEqual([
      expect.stringContaining('notes.txt: is not part of this report'),
      `${csv}: cannot be read (ENOENT)`,
      `${dutch}: cannot be read`,
    ]);
    expect((await verifyDispute(directory)).notes).toEqual([expect.stringContaining('.DS_Store')]);
    writeFileSync(path.join(directory, json), '[]');
    expect(await verifyDispute(directory)).toMatchObject({ manifest: undefined, notes: [] });
  });
});

describe('a dispute is refused', () => {
  test.each<[what: string, spoil: (directory: string) => void]>([
    ['without its manifest', (directory) => rmSync(path.join(directory, json))],
    [
      'with a folder in its place',
      (directory) => {
        rmSync(path.join(directory, json));
        mkdirSync(path.join(directory, json));
      },
    ],
    [
      'of another format',
      (directory) => seal(directory, (manifest) => (manifest['format'] = 'idscan-ledger-dispute-2')),
    ],
  ])('%s', async (_, spoil) => {
    const directory = await disputed();
    spoil(directory);
    await expect(verifyDispute(directory)).rejects.toMatchObject({
      code: 'verification_impossible',
      hint: expect.any(String) as unknown,
    });
  });
});
