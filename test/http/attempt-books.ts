import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Context } from '../../src/jobs/context.ts';
import { createTestFolder } from '../support/books.ts';
import { bookkeeper } from '../support/closing.ts';
import { faceTask, scan, scanTask } from '../support/facts.ts';
import { fillBooks, now } from './pages-books.ts';
import { startService, type TestService } from './support.ts';

/** Prices that change in the month, and by how much there is of something. */
async function manyPrices(): Promise<string> {
  const file = path.join(await createTestFolder(), 'prices.json');
  const always = { level: null, effective_from: '2026-01-01', effective_to: null };
  const entries = [
    { ...always, task_type: 'document_scan', unit_price: '0.85', effective_to: '2026-11-10' },
    { ...always, task_type: 'document_scan', unit_price: '0.9', effective_from: '2026-11-10' },
    {
      ...always,
      task_type: 'face_match',
      model: 'graduated',
      tiers: [
        { up_to: 30, unit_price: '0.25' },
        { up_to: null, unit_price: '0.2' },
      ],
    },
  ];
  await writeFile(file, JSON.stringify({ version: 'many', currency: 'EUR', source: 'a test', prices: entries }));
  return file;
}

const at = (day: string) => ({
  createdAt: new Date(`${day}T10:00:00Z`),
  expiresAt: new Date(`${day}T12:00:00Z`),
  completedAt: new Date(`${day}T10:10:00Z`),
});

/** October is closed, November is open and has corrections of it. */
export async function startWithAttempts(): Promise<TestService> {
  const service = await startService({ PRICES_FILE: await manyPrices() });
  const context: Context = { ...service.context, now };
  await fillBooks(context, 20);
  const look = bookkeeper(context, 1_000);
  // What was a success is none any more, so a line is taken back and written again.
  const october = '2026-10-08';
  const changed = [scanTask([scan(`${october}T10:00:30Z`, 'unknown_type_front')]), faceTask('face_match')];
  await look('tx-2026-10-1', { ...at(october), tasks: changed });
  await look('tx-another', {
    ...at('2026-11-20'),
    tasks: [
      scanTask([scan('2026-11-20T10:05:00Z', '=1+1'), scan('2026-11-20T23:59:59Z', null)], { level: 'a & b' }),
      { ...faceTask('face_match'), type: 'voice_check' },
    ],
  });
  return service;
}
