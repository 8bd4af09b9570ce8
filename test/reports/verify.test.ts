import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { writeDialects } from '../../src/reports/dialects.ts';
import { isSealIntact } from '../../src/reports/manifest.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { editFile, fileOf, sealAgain } from '../support/report-folder-edits.ts';
import { everything, line, type Report, small } from '../support/report-samples.ts';
import { folderOf, found, manifestOf } from './support.ts';

describe('a report that is as it was written is proven:', () => {
  test.each<[what: string, Report]>([
    ['a small one', small],
    ['one with corrections, tiers and a monthly minimum', everything],
    ['a month without attempts', { lines: [] }],
    ['a month without attempts and with a minimum', { lines: [], minimum: '500.00' }],
    ['one without a price list', { ...everything, currency: null, minimum: null, minimumCorrections: [] }],
    ['a minimum that was reached', { ...small, minimum: '0.10' }],
    [
      'something invoiced without a price',
      { ...small, discrepancies: [], lines: [line('a'), line('b', { price: null, tier: '' })] },
    ],
    ['a currency without a minor unit', { lines: [line('a', { price: '12' })], currency: 'JPY', minorDigits: 0 }],
    [
      'an amount rounded up from half a cent, also below zero',
      {
        lines: [
          line('a', { price: '0.005' }),
          line('b', { price: '0.005', quantity: -1, corrects: '2026-09', at: '2026-09-05T00:00:00Z' }),
        ],
      },
    ],
  ])('%s', async (_, report) => {
    const directory = folderOf(report);
    const verification = await verifyFolder(directory);
    expect(verification.problems).toEqual([]);
    expect(verification).toMatchObject({ problemCount: 0, notes: [], manifestSha256: manifestOf(directory).sha256 });
  });

  test('its manifest is sealed', () => {
    const bytes = readFileSync(path.join(folderOf(small), 'manifest.json'));
    expect(isSealIntact(bytes)).toBe(true);
    expect(isSealIntact(Buffer.concat([bytes, Buffer.from(' ')]))).toBe(false);
    expect(isSealIntact(bytes.subarray(0, -1))).toBe(false);
    expect(isSealIntact(Buffer.from('{}'))).toBe(false);
  });
});

describe('every byte counts:', () => {
  test('says so plainly when only the hash shows it', async () => {
    const directory = folderOf(everything);
    const name = fileOf(directory, 'detail');
    editFile(directory, name, (text) => text.replace('camera', 'cinema'));
    const problems = await found(directory);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`${name}: was changed after it was written`);
    expect(problems[0]).toContain('only the hash shows the change');
  });

  test('of the manifest too', async () => {
    const directory = folderOf(small);
    editFile(directory, 'manifest.json', (text) =>
      text.replace('"unsettled_transactions": 0', '"unsettled_transactions": 1'),
    );
    const problems = await found(directory);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('manifest.json: was changed after it was written');
    expect(problems[0]).toContain('Only this hash shows the change');
  });
});

describe('a set of files that is not whole or too large:', () => {
  const name = (kind: string) => `idscan-cost_2026-10_v1_${kind}.csv`;
  test.each<[what: string, (directory: string) => void, file: string, problem: string]>([
    ['missing', (d) => rmSync(path.join(d, name('codes'))), name('codes'), 'is missing'],
    ['added', (d) => writeFileSync(path.join(d, 'notes.txt'), ''), 'notes.txt', 'is not part of this report'],
    ['a folder added', (d) => mkdirSync(path.join(d, 'old')), 'old', 'is not part of this report'],
    [
      'of another status',
      (d) => writeFileSync(path.join(d, 'idscan-cost_2026-10_provisional_codes.csv'), ''),
      'idscan-cost_2026-10_provisional_codes.csv',
      'is not part of this report',
    ],
    [
      'renamed',
      (d) => renameSync(path.join(d, name('codes')), path.join(d, name('codes2'))),
      name('codes2'),
      'is not part of this report',
    ],
    [
      'a copy without its manifest',
      (d) => writeFileSync(path.join(d, 'idscan-cost_2026-10_v1_codes.excel-fr.csv'), ''),
      'idscan-cost_2026-10_v1_codes.excel-fr.csv',
      'manifest.excel-fr.json',
    ],
    [
      'a folder in place of a file',
      (d) => {
        rmSync(path.join(d, name('codes')));
        mkdirSync(path.join(d, name('codes')));
      },
      name('codes'),
      'cannot be read (EISDIR)',
    ],
    ['emptied', (d) => writeFileSync(path.join(d, name('codes')), ''), name('codes'), 'the file was cut'],
    [
      'a row too many',
      (d) => editFile(d, name('discrepancies'), (text) => `${text}${text.trimEnd().split('\r\n').at(-1)!}\r\n`),
      name('discrepancies'),
      'has the same transaction_id',
    ],
  ])('%s', async (_, spoil, file, problem) => {
    const directory = folderOf(everything);
    spoil(directory);
    const { problems } = await verifyFolder(directory);
    expect(problems).toContainEqual(
      expect.objectContaining({ file, problem: expect.stringContaining(problem) as unknown }),
    );
  });

  test('cut anywhere', async () => {
    const directory = folderOf(everything);
    const file = path.join(directory, name('summary'));
    const bytes = readFileSync(file);
    for (let length = 0; length < bytes.length; length += 41) {
      writeFileSync(file, bytes.subarray(0, length));
      const { problems } = await verifyFolder(directory);
      expect(problems.filter((problem) => problem.file === name('summary')).length).toBeGreaterThan(0);
    }
  });

  test('drafts and what a system leaves are mentioned, and no error', async () => {
    const directory = folderOf(small);
    for (const other of ['.idscan-cost_2026-10_provisional_codes.csv.0123456789ab.draft', '.DS_Store', 'Thumbs.db'])
      writeFileSync(path.join(directory, other), '');
    const { problemCount, notes } = await verifyFolder(directory);
    expect(problemCount).toBe(0);
    expect(notes).toHaveLength(3);
    expect(notes[1]).toContain('.draft is being written');
  });
});

describe('what cannot be verified at all is refused:', () => {
  test.each<[what: string, (directory: string) => string]>([
    ['no such folder', (directory) => path.join(directory, 'nothing')],
    ['a file for a folder', (directory) => path.join(directory, 'manifest.json')],
    [
      'no manifest',
      (directory) => {
        rmSync(path.join(directory, 'manifest.json'));
        return directory;
      },
    ],
    [
      'another format',
      (directory) => {
        sealAgain(directory, (manifest) => (manifest['format'] = 'idscan-ledger-manifest-2'));
        return directory;
      },
    ],
  ])('%s', async (_, spoil) => {
    const error: unknown = await verifyFolder(spoil(folderOf(small))).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({ code: 'verification_impossible', hint: expect.any(String) as unknown });
  });

  test('but a manifest that is broken is a problem', async () => {
    const directory = folderOf(small);
    for (const text of ['', '{', '[]', 'null', '{"format": "idscan-ledger-manifest-1"}']) {
      writeFileSync(path.join(directory, 'manifest.json'), text);
      expect((await found(directory)).length).toBeGreaterThan(1);
    }
  });
});

test('a stray quote is found, and the rows below are not taken for read', async () => {
  const directory = folderOf(everything);
  const name = fileOf(directory, 'detail');
  editFile(directory, name, (text) => text.replace('camera', 'cam"ra'));
  const { problems } = await verifyFolder(directory);
  expect(problems.map(({ file, row }) => [file, row])).toEqual([
    [name, 2],
    [name, undefined],
  ]);
});

test('counts all problems of a large file and keeps a thousand', async () => {
  const lines = Array.from({ length: 3_000 }, (_, at) => line(String(at).padStart(5, '0')));
  const directory = folderOf({ lines });
  editFile(directory, fileOf(directory, 'detail'), (text) => text.replaceAll('0.85,0.85', '0.85,0.86'));
  const { problems, problemCount } = await verifyFolder(directory);
  expect(problems).toHaveLength(1_000);
  expect(problemCount).toBeGreaterThanOrEqual(3_000);
});

describe('copies for spreadsheets', () => {
  const withCopies = async (): Promise<string> => {
    const directory = folderOf(everything);
    await writeDialects(directory, manifestOf(directory), ['excel-en', 'excel-de']);
    expect(await verifyFolder(directory)).toMatchObject({ problems: [], dialects: ['excel-en', 'excel-de'] });
    return directory;
  };
  const copy = 'idscan-cost_2026-10_v1_summary.excel-de.csv';

  test('with a figure changed and all hashes brought up to date are found by row', async () => {
    const directory = await withCopies();
    editFile(directory, copy, (text) => text.replace('0,33;', '0,34;'));
    sealAgain(directory, undefined, 'manifest.excel-de.json');
    expect(await found(directory)).toEqual([
      `${copy}, row 2: is not what idscan-cost_2026-10_v1_summary.csv gives when it is copied`,
    ]);
  });

  test('with rows too many or too few are found by row', async () => {
    const directory = await withCopies();
    const text = readFileSync(path.join(directory, copy), 'utf8');
    const rows = text.split('\r\n').length - 1;
    editFile(directory, copy, () => `${text}x\r\n`);
    sealAgain(directory, undefined, 'manifest.excel-de.json');
    expect(await found(directory)).toEqual([expect.stringContaining(`${copy}, row ${rows + 1}: is not what`)]);
    editFile(directory, copy, () => text.slice(0, text.lastIndexOf('2026')));
    sealAgain(directory, undefined, 'manifest.excel-de.json');
    expect(await found(directory)).toEqual([expect.stringContaining(`${copy}, row ${rows}: is not what`)]);
  });

  test('of a canonical file whose rows do not read are not compared', async () => {
    const directory = await withCopies();
    const name = fileOf(directory, 'codes');
    editFile(directory, name, (text) => text.replace('EUR,', 'EUR,,'));
    sealAgain(directory);
    expect((await found(directory)).join('\n')).toContain(`excel-de.csv: cannot be compared with ${name}`);
    editFile(directory, name, (text) => text.replace('EUR', 'E"R'));
    sealAgain(directory);
    expect((await found(directory)).join('\n')).toMatch(new RegExp(`${name}, row 2: is not CSV`));
  });

  test('that are missing, or made from another report, are found', async () => {
    const directory = await withCopies();
    rmSync(path.join(directory, copy));
    expect(await found(directory)).toEqual([`${copy}: is missing`]);
    const other = folderOf(small);
    await writeDialects(other, manifestOf(other), ['excel-de']);
    cpSync(path.join(other, 'manifest.excel-de.json'), path.join(directory, 'manifest.excel-de.json'));
    expect((await found(directory)).join('\n')).toContain('its copies were made from another manifest.json');
  });
});
