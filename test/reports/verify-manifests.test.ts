import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { presentLayout } from '../../src/domain/report-columns.ts';
import { writeDialects } from '../../src/reports/dialects.ts';
import { verifyFolder } from '../../src/reports/verify.ts';
import { sealAgain } from '../support/report-folder-edits.ts';
import { inPresentLayout, small } from '../support/report-samples.ts';
import { folderOf, found, manifestOf } from './support.ts';

type Manifest = Record<string, unknown>;
const of = (manifest: Manifest, member: string) => manifest[member] as Record<string, unknown>;
const filesOf = (manifest: Manifest) => manifest['files'] as Record<string, unknown>[];
const containing = (expected: readonly string[]) => expected.map((one) => expect.stringContaining(one) as unknown);
const report = inPresentLayout({ ...small, version: 1 });
const detail = 'idscan-cost_2026-10_v1_detail.csv';

describe('a manifest is refused, sealed as it may be,', () => {
  test.each<[what: string, edit: (manifest: Manifest) => unknown, expected: string[]]>([
    ['for a month that is none', (one) => (one['period'] = '2026-13'), ['period: ']],
    [
      'for a month that is closed without a version',
      (one) => (one['version'] = null),
      ['period_status and version do not go together'],
    ],
    [
      'for a version of an open month',
      (one) => (one['period_status'] = 'provisional'),
      ['period_status and version do not go together'],
    ],
    ['for the version 0', (one) => (one['version'] = 0), ['version: ']],
    ['for a layout of long ago', (one) => (one['layout'] = 0), ['layout: ']],
    ['for a layout to come', (one) => (one['layout'] = presentLayout + 1), ['layout: ']],
    ['for a status that is none', (one) => (one['period_status'] = 'done'), ['period_status: ']],
    [
      'for an instant that is none',
      (one) => (of(one, 'bounds')['start'] = '2026-10-01'),
      ['bounds.start: not an instant'],
    ],
    ['for a time zone without a name', (one) => (of(one, 'bounds')['time_zone'] = ''), ['bounds.time_zone: ']],
    [
      'for an amount that is none',
      (one) => (of(one, 'control_totals')['amount'] = '1,00'),
      ['control_totals.amount: not an amount'],
    ],
    ['for a count in quotes', (one) => (of(one, 'control_totals')['attempts'] = '1'), ['control_totals.attempts: ']],
    ['for half a count', (one) => (of(one, 'control_totals')['attempts'] = 1.5), ['control_totals.attempts: ']],
    ['for a hash that is none', (one) => (filesOf(one)[0]!['sha256'] = 'x'), ['files.0.sha256: ']],
    ['for two things at once', (one) => ((one['version'] = 'x'), (one['layout'] = 'x')), ['version: ', 'layout: ']],
    ['for a file that is not named', (one) => filesOf(one).shift(), [`does not name ${detail} once`]],
    ['for a file that is named twice', (one) => filesOf(one).push(filesOf(one)[0]!), [`does not name ${detail} once`]],
    [
      'for a file of another report',
      (one) => filesOf(one).push({ ...filesOf(one)[0], name: '../x.csv' }),
      ['names "../x.csv", which is not a file of this report'],
    ],
  ])('%s', async (_, edit, expected) => {
    const directory = folderOf(report);
    sealAgain(directory, edit);
    expect(await found(directory)).toEqual(containing(expected.map((one) => `manifest.json: ${one}`)));
  });

  test('for an instant of a month that is open, unless it has one', async () => {
    const directory = folderOf(small);
    sealAgain(directory, (manifest) => (manifest['as_of'] = '2026-10-05T10:00:00.000Z'));
    expect(await found(directory)).toEqual([]);
    sealAgain(directory, (manifest) => (manifest['as_of'] = '2026-10-05T10:00:00Z'));
    expect(await found(directory)).toEqual([expect.stringContaining('manifest.json: as_of: ')]);
  });
});

describe('the manifest of copies', () => {
  const manifest = 'manifest.excel-de.json';
  const copy = (kind: string) => `idscan-cost_2026-10_v1_${kind}.excel-de.csv`;
  const withCopies = async (): Promise<string> => {
    const directory = folderOf(report);
    await writeDialects(directory, manifestOf(directory), ['excel-de']);
    return directory;
  };
  const derived = (one: Manifest) => of(one, 'derived_from');
  const derivedFile = (one: Manifest) => of(filesOf(one)[0]!, 'derived_from');

  test.each<[what: string, edit: (manifest: Manifest) => unknown, expected: string]>([
    [
      'of another format',
      (one) => (one['format'] = 'idscan-ledger-dialect-2'),
      'has the format "idscan-ledger-dialect-2"',
    ],
    ['without a dialect', (one) => delete one['dialect'], 'dialect: '],
    ['of another dialect', (one) => (one['dialect'] = 'excel-fr'), 'is of excel-fr'],
    [
      'made from another file',
      (one) => (derived(one)['name'] = 'x.json'),
      'its copies were made from another manifest.json',
    ],
    [
      'made from other bytes',
      (one) => (derived(one)['sha256'] = '0'.repeat(64)),
      'its copies were made from another manifest.json',
    ],
    [
      'of another month',
      (one) => (one['period'] = '2026-11'),
      'period, period_status and version are not those of manifest.json',
    ],
    [
      'of another version',
      (one) => (one['version'] = 2),
      'period, period_status and version are not those of manifest.json',
    ],
    [
      'of another status',
      (one) => (one['period_status'] = 'provisional'),
      'period, period_status and version are not those of manifest.json',
    ],
    [
      'with a file that is no copy',
      (one) => filesOf(one).push({ ...filesOf(one)[0], name: detail }),
      `names "${detail}", which is not a copy`,
    ],
    ['without a copy', (one) => filesOf(one).shift(), `does not name ${copy('detail')}`],
    [
      'with a copy of another file',
      (one) => (derivedFile(one)['name'] = 'x.csv'),
      `${copy('detail')} was made from another ${detail}`,
    ],
    [
      'with a copy of other bytes',
      (one) => (derivedFile(one)['sha256'] = '0'.repeat(64)),
      `${copy('detail')} was made from another ${detail}`,
    ],
  ])('%s is found', async (_, edit, expected) => {
    const directory = await withCopies();
    sealAgain(directory, edit, manifest);
    expect(await found(directory)).toEqual(containing([`${manifest}: ${expected}`]));
  });

  test('that does not read, and copies that do not, are found', async () => {
    const directory = await withCopies();
    rmSync(path.join(directory, copy('codes')));
    rmSync(path.join(directory, copy('summary')));
    mkdirSync(path.join(directory, copy('summary')));
    writeFileSync(path.join(directory, copy('detail')), '\uFEFF');
    expect(await found(directory)).toEqual(
      containing([
        `${copy('summary')}: is not a file`,
        `${copy('detail')}, row 1: is not what`,
        `${copy('detail')}: is not the file that the manifest names: 3 bytes instead of`,
        `${copy('summary')}: cannot be read (EISDIR)`,
        `${copy('codes')}: is missing`,
      ]),
    );
    rmSync(path.join(directory, manifest));
    mkdirSync(path.join(directory, manifest));
    expect(await found(directory)).toContainEqual(`${manifest}: cannot be read`);
  });

  test('with a broken seal is found, and said to be all that is', async () => {
    const directory = await withCopies();
    writeFileSync(path.join(directory, manifest), '{}');
    expect((await found(directory)).at(-1)).toBe(
      `${manifest}: was changed after it was written: its own sha256 does not match its bytes`,
    );
    expect((await verifyFolder(directory)).dialects).toEqual(['excel-de']);
  });
});

test('a copy without its manifest, what does not belong there, and what is harmless', async () => {
  const directory = folderOf(report);
  const names = [
    'idscan-cost_2026-10_v1_codes.excel-nl.csv',
    'x.csv',
    'desktop.ini',
    'thumbs.db',
    '.x',
    'manifest.old.json',
    '.x.draft',
  ];
  for (const name of names) writeFileSync(path.join(directory, name), '');
  const { problems, notes } = await verifyFolder(directory);
  expect(problems.map(({ file, problem }) => `${file}: ${problem}`)).toEqual(
    containing([
      'idscan-cost_2026-10_v1_codes.excel-nl.csv: is a copy for excel-nl, but manifest.excel-nl.json',
      'manifest.old.json: is not part of this report',
      'x.csv: is not part of this report',
    ]),
  );
  expect(notes).toEqual(
    containing(['.x is not a report file', '.x.draft is being written', 'desktop.ini is not', 'thumbs.db is not']),
  );
});
