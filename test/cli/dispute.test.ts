import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { sql } from 'kysely';
import { parse } from 'csv-parse/sync';
import { expect, test } from 'vitest';
import { recordDecision } from '../../src/db/reconciliations.ts';
import { sealed } from '../../src/reports/manifest.ts';
import { verifyDispute } from '../../src/reports/verify/dispute.ts';
import { isFull } from '../chaos/world.ts';
import { disputed, january, line } from './january.ts';

const textsIn = async (folder: string) =>
  new Map(
    await Promise.all(
      (await readdir(folder))
        .sort()
        .map(async (name) => [name, await readFile(path.join(folder, name), 'utf8')] as const),
    ),
  );

test('what is disputed is written to be sent: letters, findings, evidence and the expected credit, the same each time', async () => {
  const books = await disputed();
  const { run, folder, id } = books;
  await mkdir(`${folder}-dispute`);
  await writeFile(path.join(`${folder}-dispute`, '.left-behind.draft'), '');
  const written = await run('dispute', '2026-01', '--json');
  expect(written.code, written.stderr).toBe(0);
  expect(JSON.parse(written.stdout)).toMatchObject({
    ...{ period: '2026-01', currency: 'EUR', invoices: ['INV-1'], expected_credit: '51.00', evidence_rows: 60 },
    findings: [{ finding: id, amount_difference: '51.00', settled_amount: '0.00' }],
    directory: `${folder}-dispute`,
  });
  const texts = await textsIn(`${folder}-dispute`);
  expect([...texts.keys()]).toEqual([
    'dispute.json',
    'idscan-cost_2026-01_dispute-evidence.csv',
    'idscan-cost_2026-01_dispute-letter.en.txt',
    'idscan-cost_2026-01_dispute-letter.nl.txt',
    'idscan-cost_2026-01_dispute.csv',
  ]);
  const findings = parse<object>(texts.get('idscan-cost_2026-01_dispute.csv') ?? '', { columns: true });
  expect(findings).toMatchObject([{ record_type: 'FINDING', finding: id, decision: 'dispute', evidence_rows: '60' }]);
  const evidence = parse<object>(texts.get('idscan-cost_2026-01_dispute-evidence.csv') ?? '', { columns: true });
  expect(evidence).toHaveLength(60);
  expect(evidence[1]).toMatchObject({ finding: id, task_type: 'document_scan', own_invoiced: 'false' });
  expect(texts.get('idscan-cost_2026-01_dispute-letter.en.txt')).toContain('a credit note of EUR 51.00 without VAT');
  expect(texts.get('idscan-cost_2026-01_dispute-letter.nl.txt')).toContain('factuur INV-1 (1 februari 2026)');
  expect((await run('dispute', '2026-01')).stdout).toContain('Expected credit: 51.00 EUR, without tax.');
  expect(await textsIn(`${folder}-dispute`)).toEqual(texts);
  const proven = await run('verify', `${folder}-dispute`);
  expect(proven).toMatchObject({ code: 0, stdout: expect.stringContaining('expected credit 51.00 EUR') as string });
  const elsewhere = path.join(folder, '../sent');
  expect((await run('dispute', '2026-01', '--out', elsewhere)).code).toBe(0);
  expect(await textsIn(elsewhere)).toEqual(texts);
});

test('a part that was credited is taken off; accepted and settled findings are not sent', async () => {
  const { run, reconcile, invoice, folder, report } = await disputed();
  await reconcile('--invoice', await invoice('part.csv', line(-40, '-34.00', 'CN-1')));
  expect((await run('dispute', '2026-01')).stdout).toContain('Expected credit: 17.00 EUR');
  const letter = await readFile(path.join(`${folder}-dispute`, 'idscan-cost_2026-01_dispute-letter.nl.txt'), 'utf8');
  expect(letter).toContain('Hiervan is EUR 34,00 gecrediteerd; EUR 17,00 staat nog open.');
  expect((await verifyDispute(`${folder}-dispute`)).problems).toEqual([]);
  await report();
  const all = await run('verify', path.dirname(folder));
  expect(all).toMatchObject({ code: 0, stdout: expect.stringContaining('2026-01-dispute: as written') as string });
  await reconcile('--invoice', await invoice('rest.csv', line(-20, '-17.00', 'CN-2')));
  expect(await run('dispute', '2026-01')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('(nothing_disputed)') as string,
  });
});

test('each refusal says which command to run, and writes nothing', async () => {
  const { db, run, reconcile, invoice, rows, folder, report } = await january();
  const refused = async (code: string, ...args: string[]) => {
    const said = await run('dispute', '2026-01', ...args);
    expect({ code: said.code, said: said.stderr }).toEqual({
      code: code === 'usage_invalid' ? 2 : 3,
      said: expect.stringContaining(`(${code})`) as string,
    });
    expect(await readdir(`${folder}-dispute`).catch(() => [])).toEqual([]);
    return said.stderr;
  };
  expect(await refused('reconciliation_missing')).toContain('reconcile 2026-01 --invoice');
  await reconcile('--invoice', await invoice('more.csv', line(360, '306.00')));
  expect(await refused('nothing_disputed')).toContain('--decide');
  const finding = (await rows())[0]?.['finding'] ?? '';
  // The decision was kept, and the files were not written again.
  await recordDecision(db.kysely, '2026-01', {
    finding,
    amount: 51_000_000n,
    left: 51_000_000n,
    decision: 'dispute',
    reason: 'x',
    decidedBy: 'x',
  });
  expect(await refused('reconciliation_changed')).toContain('reconcile 2026-01');
  await reconcile();
  for (const name of [
    'reconciliation.json',
    'idscan-cost_2026-01_reconciliation.csv',
    'idscan-cost_2026-01_reconciliation-evidence.csv',
  ]) {
    const file = path.join(folder, name);
    const bytes = await readFile(file);
    await writeFile(
      file,
      bytes
        .toString()
        .replace(/0/, '1')
        .replace(/^period/, 'Period'),
    );
    await refused('reconciliation_changed');
    await rm(file);
    await refused('reconciliation_changed');
    await writeFile(file, bytes);
  }
  // A corrected invoice was kept, and the run that came with it broke off.
  await sql`
    insert into vendor_files (sha256, name, content, kept_by) values (${'0'.repeat(64)}, 'x', 'x', 'x')`.execute(
    db.kysely,
  );
  await sql`
    insert into vendor_invoices (period, file_sha256, number, is_credit_note, issue_date, currency, kept_by, replaces)
    select period, ${'0'.repeat(64)}, number, false, issue_date, currency, kept_by, id from vendor_invoices`.execute(
    db.kysely,
  );
  await refused('reconciliation_changed');
  await report();
  await refused('usage_invalid', '--out', folder);
  expect((await run('dispute', '2026-13')).code).toBe(2);
});

test('verify finds any flipped byte, what was added, and sums that do not hold although hashes and seal do', async () => {
  const books = await disputed();
  const folder = `${books.folder}-dispute`;
  expect((await books.run('dispute', '2026-01')).code).toBe(0);
  const missed: string[] = [];
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    const bytes = await readFile(file);
    for (let at = 0; at < bytes.length; at += isFull ? 1 : 13) {
      const flipped = Buffer.from(bytes);
      flipped[at] = bytes[at]! ^ (1 << (at % 8));
      await writeFile(file, flipped);
      const { problemCount } = await verifyDispute(folder).catch(() => ({ problemCount: 1 }));
      if (problemCount === 0) missed.push(`${name}, byte ${at}`);
    }
    await writeFile(file, bytes);
  }
  expect(missed).toEqual([]);
  await writeFile(path.join(folder, 'other.csv'), '');
  expect((await books.run('verify', folder)).stderr).toContain('(verification_failed)');
  await books.report();
  expect((await books.run('verify', path.dirname(folder))).stdout).toContain('2026-01-dispute/other.csv');
  await rm(path.join(folder, 'other.csv'));
  const manifest = JSON.parse(await readFile(path.join(folder, 'dispute.json'), 'utf8')) as {
    sha256?: string;
    totals: Record<string, unknown>;
  };
  delete manifest.sha256;
  for (const [total, value] of Object.entries({ expected_credit: '52.00', evidence_rows: 4, findings: 2 })) {
    await writeFile(
      path.join(folder, 'dispute.json'),
      sealed({ ...manifest, totals: { ...manifest.totals, [total]: value } }),
    );
    expect((await verifyDispute(folder)).problemCount, total).toBeGreaterThan(0);
  }
  await writeFile(path.join(folder, 'dispute.json'), sealed(manifest));
  expect((await verifyDispute(folder)).problems).toEqual([]);
});
