import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { copyOf } from '../../src/reports/dialects.ts';
import { disputeFiles, reconciliationFiles } from '../../src/reports/dispute/published-files.ts';
import { folderReports, localFolder } from '../../src/reports/folder-reports.ts';
import { copyNames, findPublished, kindOf, openPublished, publishedIn } from '../../src/reports/published.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { everything, inPresentLayout, small } from '../support/report-samples.ts';
import { folderOf, manifestOf, sha256 } from './support.ts';
import { disputed } from './support-dispute.ts';
import { emptyFolder, reconciled } from './support-reconciliation.ts';

const detail = 'idscan-cost_2026-10_v1_detail.csv';
const kinds = ['detail', 'summary', 'references', 'codes', 'discrepancies'] as const;
const read = (directory: string, name: string) => readFileSync(path.join(directory, name));
const published = (directory: string) => publishedIn(localFolder(directory), '2026-10');

describe('the published files of a month', () => {
  test('are those of its manifest, with what they add up to', async () => {
    const directory = folderOf(inPresentLayout(everything));
    const found = await published(directory);
    expect(found).toMatchObject({
      status: 'closed',
      version: 1,
      attempts: 9,
      amount: '1234.75',
      totals: { attempts: 9, amount: '1234.75', currency: 'EUR' },
      manifest: { ...manifestOf(directory), bytes: read(directory, 'manifest.json').length, rows: null },
    });
    expect(found?.files).toEqual(
      kinds.map((kind) => {
        const name = `idscan-cost_2026-10_v1_${kind}.csv`;
        const bytes = read(directory, name);
        const rows = bytes.toString().split('\r\n').length - 2;
        return { name, sha256: sha256(bytes), bytes: bytes.length, rows };
      }),
    );
  });

  test.each<[what: string, spoil: (directory: string) => void]>([
    ['without a manifest', (directory) => rmSync(path.join(directory, 'manifest.json'))],
    [
      'whose seal is broken',
      (directory) => editFile(directory, 'manifest.json', (text) => text.replace('"attempts": 9', '"attempts": 8')),
    ],
    ['of another month', (directory) => sealAgain(directory, (manifest) => (manifest['period'] = '2026-11'))],
    [
      'with a name that leads elsewhere',
      (directory) =>
        sealAgain(directory, ({ files }) => ((files as { name: string }[])[0]!.name = '../2026-09/manifest.json')),
    ],
    [
      'with a copy among them',
      (directory) =>
        sealAgain(directory, ({ files }) => ((files as { name: string }[])[1]!.name = copyNames(detail)[0]!.name)),
    ],
  ])('are none in a folder %s', async (_, spoil) => {
    const directory = folderOf(everything);
    spoil(directory);
    expect(await published(directory)).toBeUndefined();
  });

  test('are found by their names, and by those of their copies', async () => {
    const found = (await published(folderOf(everything)))!;
    const nameOf = (name: string) => {
      const one = findPublished(found, name);
      return one && [one.file.name, one.dialect];
    };
    expect(nameOf(detail)).toEqual([detail, undefined]);
    expect(nameOf('manifest.json')).toEqual(['manifest.json', undefined]);
    for (const { name, dialect } of copyNames(detail)) expect(nameOf(name)).toEqual([detail, dialect]);
    expect(copyNames(detail).map(({ name }) => name)).toEqual(
      ['en', 'nl', 'de', 'fr'].map((one) => `idscan-cost_2026-10_v1_detail.excel-${one}.csv`),
    );
    for (const other of [
      'manifest.excel-de.json',
      'idscan-cost_2026-09_v1_detail.csv',
      'idscan-cost_2026-09_v1_detail.excel-de.csv',
      'x',
    ])
      expect(nameOf(other)).toBeUndefined();
  });

  test.each([
    ...kinds.map((kind) => [`idscan-cost_2026-10_restated_${kind}.csv`, kind] as const),
    ['idscan-cost_2026-10_v12_codes.csv', 'codes'],
    ['idscan-cost_2026-10_v1_codes.excel-de.csv', undefined],
    ['manifest.json', undefined],
    ['x_codes.csv', undefined],
    ['idscan-cost_2026-10_v_codes.csv', undefined],
    ['idscan-cost_2026-10_draft_codes.csv', undefined],
    ['idscan-cost_2026-10_v1_codes.csv.old', undefined],
    ['old-idscan-cost_2026-10_v1_codes.csv', undefined],
  ] as const)('%s is the table: %s', (name, kind) => {
    expect(kindOf(name)).toBe(kind);
  });
});

describe('a published file', () => {
  const opened = async (directory: string, dialect?: 'excel-de') => {
    const { file } = findPublished((await published(directory))!, detail)!;
    return openPublished(localFolder(directory).filesOf('manifest.json', ''), file, dialect);
  };
  const bytesOf = async (chunks: AsyncIterable<Buffer>) => {
    const all: Buffer[] = [];
    for await (const chunk of chunks) all.push(chunk);
    return Buffer.concat(all);
  };

  test('is sent as it was opened, whatever is published meanwhile', async () => {
    const directory = folderOf(everything);
    const bytes = read(directory, detail);
    const { stream, close, ...found } = await opened(directory);
    rmSync(path.join(directory, detail));
    expect(found).toEqual({ sha256: sha256(bytes), bytes: bytes.length });
    expect(await bytesOf(stream())).toEqual(bytes);
    await close();
    await expect(bytesOf(stream())).rejects.toThrow();
  });

  test('is converted for a spreadsheet while it is sent', async () => {
    const directory = folderOf(everything);
    const source = localFolder(directory).filesOf('', '').stream(detail) as AsyncIterable<Buffer>;
    const copy = await bytesOf(copyOf(source, 'detail', 'excel-de'));
    const { stream, close, ...found } = await opened(directory, 'excel-de');
    expect(found).toEqual({ sha256: sha256(copy), bytes: copy.length });
    expect(await bytesOf(stream())).toEqual(copy);
    await close();
  });

  test('of which there is no table is sent as it is', async () => {
    const directory = folderOf(everything);
    const bytes = read(directory, 'manifest.json');
    const file = { name: 'manifest.json', sha256: sha256(bytes), bytes: bytes.length, rows: null };
    const files = localFolder(directory).filesOf('', '');
    const { stream, close, sha256: hash } = await openPublished(files, file, 'excel-de');
    expect([hash, await bytesOf(stream())]).toEqual([file.sha256, bytes]);
    await close();
  });

  test('that is missing or another one is refused', async () => {
    const directory = folderOf(everything);
    const { file } = findPublished((await published(directory))!, detail)!;
    const files = localFolder(directory).filesOf('', '');
    const refused = expect.objectContaining({ code: 'report_changed', fields: { file: detail } }) as unknown;
    editFile(directory, detail, (text) => text.replace('camera', 'cinema'));
    await expect(openPublished(files, file, undefined)).rejects.toEqual(refused);
    rmSync(path.join(directory, detail));
    await expect(openPublished(files, file, undefined)).rejects.toEqual(refused);
  });
});

describe('what lies beside a report', () => {
  const names = (files: readonly { readonly name: string }[] | undefined) => files?.map(({ name }) => name);

  test('are a reconciliation and a dispute: the files of their manifests, and these', async () => {
    const reports = emptyFolder();
    await reconciled(folderOf(small)).then((from) => cpSync(from, path.join(reports, '2026-10'), { recursive: true }));
    cpSync(await disputed(), path.join(reports, '2026-10-dispute'), { recursive: true });
    const reconciliation = await reconciliationFiles(folderReports(reports), '2026-10');
    expect(names(reconciliation?.files)).toEqual([
      'idscan-cost_2026-10_reconciliation.csv',
      'idscan-cost_2026-10_reconciliation-evidence.csv',
      'reconciliation.json',
    ]);
    const bytes = read(path.join(reports, '2026-10-dispute'), 'dispute.json');
    const dispute = await disputeFiles(folderReports(reports), '2026-10');
    expect(dispute).toMatchObject({
      reconciliationSha256: (JSON.parse(bytes.toString()) as Record<string, unknown>)['reconciliation_sha256'],
      expectedCredit: '10.70',
      currency: 'EUR',
    });
    expect(names(dispute?.files)).toEqual([
      'idscan-cost_2026-10_dispute-letter.en.txt',
      'idscan-cost_2026-10_dispute-letter.nl.txt',
      'idscan-cost_2026-10_dispute.csv',
      'idscan-cost_2026-10_dispute-evidence.csv',
      'dispute.json',
    ]);
    expect(dispute?.files.at(-1)).toEqual({
      name: 'dispute.json',
      sha256: sha256(bytes),
      bytes: bytes.length,
      rows: null,
    });
    expect(await dispute?.of.read('dispute.json')).toEqual(bytes);
  });

  test.each<[what: string, spoil: (folder: string, name: string) => void]>([
    ['there is none', (folder, name) => rmSync(path.join(folder, name))],
    ['its seal is broken', (folder, name) => editFile(folder, name, (text) => text.replace('INV-1', 'INV-2'))],
    ['it is another format', (folder, name) => sealAgain(folder, (manifest) => (manifest['format'] = 'x'), name)],
    [
      'it names what leads elsewhere',
      (folder, name) =>
        sealAgain(folder, ({ files }) => ((files as { name: string }[])[0]!.name = '../manifest.json'), name),
    ],
  ])('is nothing where %s', async (_, spoil) => {
    const reports = emptyFolder();
    mkdirSync(path.join(reports, '2026-10'));
    await reconciled(path.join(reports, '2026-10'));
    cpSync(await disputed(), path.join(reports, '2026-10-dispute'), { recursive: true });
    writeFileSync(path.join(reports, '2026-10', 'x'), '');
    spoil(path.join(reports, '2026-10'), 'reconciliation.json');
    spoil(path.join(reports, '2026-10-dispute'), 'dispute.json');
    expect(await reconciliationFiles(folderReports(reports), '2026-10')).toBeUndefined();
    expect(await disputeFiles(folderReports(reports), '2026-10')).toBeUndefined();
  });
});
