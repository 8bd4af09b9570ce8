import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { openReconciliation } from '../../src/reports/dispute/source.ts';
import { localFolder } from '../../src/reports/folder-reports.ts';
import { editFile, sealAgain } from '../support/report-folder-edits.ts';
import { sha256 } from './support.ts';
import { emptyFolder, reconciled } from './support-reconciliation.ts';

const csv = 'idscan-cost_2026-10_reconciliation.csv';
const evidence = 'idscan-cost_2026-10_reconciliation-evidence.csv';
const json = 'reconciliation.json';

describe('a reconciliation that is opened', () => {
  const open = (directory: string, hash = sha256(readFileSync(path.join(directory, json)))) =>
    openReconciliation(localFolder(directory), '2026-10', hash);

  test('gives its rows as often as they are asked for, each with its line', async () => {
    const { rows, evidence, manifest, manifestSha256 } = await open(await reconciled(emptyFolder()));
    expect([manifest.period, manifestSha256]).toEqual(['2026-10', expect.stringMatching(/^[0-9a-f]{64}$/)]);
    for (let time = 0; time < 2; time += 1) {
      const [types, ids]: unknown[][] = [[], []];
      for await (const { line, cell } of rows())
        types!.push([line, cell('record_type'), cell('state'), cell('nothing')]);
      for await (const { line, cell } of evidence()) ids!.push([line, cell('transaction_id')]);
      expect(types).toEqual([
        [2, 'MATCH', '', ''],
        [3, 'FINDING', 'partly_settled', ''],
        [4, 'FINDING', 'open', ''],
        [5, 'FINDING', 'accepted', ''],
        [6, 'TOTAL', '', ''],
      ]);
      expect(ids).toEqual([
        [2, 't-1'],
        [3, "'=t-2"],
        [4, 't-3'],
      ]);
    }
  });

  test.each<[what: string, spoil: (directory: string) => string | undefined]>([
    ['none', (directory) => (rmSync(path.join(directory, json)), 'x')],
    [
      'one of a broken seal',
      (directory) => (editFile(directory, json, (text) => text.replace('INV-1', 'INV-2')), undefined),
    ],
    ['one that the books do not name', () => '0'.repeat(64)],
    [
      'one of another format',
      (directory) => (sealAgain(directory, (manifest) => (manifest['format'] = 'x'), json), undefined),
    ],
    [
      'one without its evidence',
      (directory) => (sealAgain(directory, (manifest) => (manifest['files'] as unknown[]).pop(), json), undefined),
    ],
  ])('is refused where its manifest is %s', async (_, spoil) => {
    const directory = await reconciled(emptyFolder());
    const hash = spoil(directory);
    await expect(open(directory, hash)).rejects.toMatchObject({
      code: 'reconciliation_changed',
      fields: { period: '2026-10' },
      hint: expect.stringContaining('reconcile 2026-10') as unknown,
    });
  });

  /** Its files, which are counted while they are open; reading one again fails if it is to. */
  function counted(directory: string, again?: Error) {
    const folder = localFolder(directory);
    const files = folder.filesOf('', '');
    const counts = { open: 0 };
    const open = async (name: string) => {
      const file = await files.open(name);
      let reads = 0;
      counts.open += 1;
      const close = () => {
        counts.open -= 1;
        return file.close();
      };
      const chunks = async function* () {
        reads += 1;
        if (again && reads > 1) throw again;
        yield* file.chunks();
      };
      return { chunks, close };
    };
    return { counts, folder: { ...folder, filesOf: () => ({ ...files, open }) } };
  }

  test('is closed behind its rows, read to their end or not, and its own error comes out', async () => {
    const directory = await reconciled(emptyFolder());
    const hash = sha256(readFileSync(path.join(directory, json)));
    const { counts, folder } = counted(directory);
    const { rows } = await openReconciliation(folder, '2026-10', hash);
    for await (const { line } of rows()) {
      expect(counts.open).toBe(1);
      if (line === 3) break;
    }
    expect(counts.open).toBe(0);
    const away = new Error('away');
    const broken = counted(directory, away);
    const { evidence } = await openReconciliation(broken.folder, '2026-10', hash);
    await expect(evidence()[Symbol.asyncIterator]().next()).rejects.toBe(away);
    expect(broken.counts.open).toBe(0);
  });

  test('is refused where a file is missing or another one', async () => {
    const directory = await reconciled(emptyFolder());
    const { rows, evidence: evidenceRows } = await open(directory);
    rmSync(path.join(directory, csv));
    editFile(directory, evidence, (text) => text.replace('t-1', 't-9'));
    for (const read of [rows, evidenceRows])
      await expect(read()[Symbol.asyncIterator]().next()).rejects.toMatchObject({
        code: 'reconciliation_changed',
        cause: expect.objectContaining({ code: 'report_changed' }) as unknown,
      });
    rmSync(path.join(directory, json));
    const gone = await open(directory, '').catch((error: unknown) => error);
    expect(gone).toMatchObject({ cause: { code: 'ENOENT' } });
    const other = await open(await reconciled(emptyFolder()), '').catch((error: unknown) => error);
    expect(Object.keys(other as object), 'nothing caused it').not.toContain('cause');
  });
});
