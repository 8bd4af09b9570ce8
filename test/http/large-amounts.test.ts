import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { writeReport } from '../../src/jobs/month/write-report.ts';
import { createTestFolder } from '../support/books.ts';
import { bookkeeper, closeOrFail } from '../support/closing.ts';
import { scan, scanTask } from '../support/facts.ts';
import { bearer, startService, tokens } from './support.ts';

/** Every unit costs as much as a price may: two of them are more than any price. */
async function rupiahs(): Promise<string> {
  const file = path.join(await createTestFolder(), 'prices.json');
  const list = {
    version: 'rupiahs',
    currency: 'IDR',
    source: 'a test',
    prices: [
      {
        task_type: 'document_scan',
        level: null,
        effective_from: '2026-01-01',
        effective_to: null,
        unit_price: '999999999999.99',
      },
    ],
    monthly_minimum: [{ effective_from: '2026-01-01', effective_to: null, amount: '999999999999.99' }],
  };
  await writeFile(file, JSON.stringify(list));
  return file;
}

test('a month of more than 10^12 is closed, corrected and shown like any other', async () => {
  const service = await startService({ PRICES_FILE: await rupiahs() });
  const context = { ...service.context, now: () => new Date('2026-12-03T09:00:00Z') };
  const look = bookkeeper(context);
  const scans = (day: string, many: number) =>
    scanTask(Array.from({ length: many }, (_, index) => scan(`2026-${day}T10:0${index}:00Z`, null)));
  await look('t-1', { tasks: [scans('10-05', 3)] });
  await closeOrFail(context, '2026-10');
  await look('t-2', { tasks: [scans('10-06', 1)] });
  await look('t-3', { tasks: [scans('11-06', 2)] });
  await writeReport(context, '2026-11');
  for (const page of ['/reports', '/reports/2026-10', '/reports/2026-11', '/transactions/t-1']) {
    const { status, text } = await service.ask(page, { headers: bearer(tokens.finance) });
    expect(status, page).toBe(200);
    if (page === '/reports') expect(text.replaceAll('\u202f', '')).toContain('2999999999999.97');
  }
  const closed = await closeOrFail(context, '2026-11');
  const manifest = JSON.parse(await readFile(path.join(closed.directory, 'manifest.json'), 'utf8')) as {
    control_totals: { amount: string };
  };
  expect(manifest.control_totals.amount).toBe('2999999999999.97');
  expect((await service.ask('/reports', { headers: bearer(tokens.finance) })).status).toBe(200);
});
