import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createTestFolder } from '../support/books.ts';
import { fillBooks, now } from '../http/pages-books.ts';
import { startService, type TestService, tokens } from '../http/support.ts';
import { openPage, signIn, startChromium } from './chromium.ts';

const paths = [
  '/reports',
  '/reports/2026-11',
  '/reports/2026-10',
  '/reports/2026-11/attempts',
  '/transactions/tx-2026-10-0',
];
/** Every table that there is; the explanation has one more per attempt. */
const everyTable = [
  'months',
  'open-points-counts',
  'open-points-first',
  'costs-table',
  'outcomes-table',
  'trend-table',
  'corrections-table',
  'disagreements-counts',
  'disagreements-first',
  'files-table',
  'attempts-table',
  'tasks-table',
  'work-table',
  'attempt-document_scan-1-lines',
  'attempt-document_scan-2-lines',
  'attempt-face_match-1-lines',
];

let service: TestService;
let browser: Browser;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: await largePrices() });
  await fillBooks({ ...service.context, now }, 12);
  browser = await startChromium();
});

/** Amounts as long as a large month in a small currency has them. */
async function largePrices(): Promise<string> {
  const file = path.join(await createTestFolder(), 'prices.json');
  const price = (task_type: string, unit_price: string) => ({
    task_type,
    level: null,
    effective_from: '2026-01-01',
    effective_to: null,
    unit_price,
  });
  const prices = [
    price('document_scan', '12345678901.25'),
    price('face_liveness', '9876543210.99'),
    price('face_match', '1234567890.3333'),
  ];
  await writeFile(file, JSON.stringify({ version: 'large', currency: 'IDR', source: 'a test', prices }));
  return file;
}

type Seen = { readonly id: string; readonly cells: number; readonly cutOff: readonly string[] };

/** Runs in the page: which cells are not to be seen as a whole without scrolling, by table. */
const whatIsSeen = `[...document.querySelectorAll('.table')].map((frame) => {
  const edge = Math.min(frame.getBoundingClientRect().right, document.documentElement.clientWidth) + 0.5;
  const parts = [...frame.querySelectorAll('tbody th, tbody td, tfoot th, tfoot td')]
    .filter((cell) => getComputedStyle(cell).display !== 'none');
  const textsOf = (cell) => {
    const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode())
      if (walker.currentNode.textContent.trim() !== '' && !walker.currentNode.parentElement.closest('.unseen'))
        texts.push(walker.currentNode);
    return texts;
  };
  const isCut = (cell) => textsOf(cell).some((text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    return [...range.getClientRects()].some(({ left, right }) => right > edge || left < 0);
  });
  return {
    id: frame.getAttribute('aria-labelledby'),
    cells: parts.length,
    cutOff: parts.filter(isCut).map((cell) => cell.textContent.replace(/\\s+/g, ' ').trim()),
  };
})`;

async function seenOn(page: Page): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const target of paths) {
    await page.goto(target);
    const here = await page.evaluate<Seen[]>(whatIsSeen);
    for (const { id, cells, cutOff } of here) {
      expect(cells, id).toBeGreaterThan(0);
      expect(cutOff, `${id} of ${target}`).toEqual([]);
    }
    seen.push(...here);
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overflow, `${target} is wider than the page`).toBeLessThanOrEqual(0);
  }
  return seen;
}

/** A4 is 210 mm wide, the margins are 12 mm each: 186 mm at 96 dots an inch. */
const media = [
  { what: 'on A4 portrait', width: 703, medium: 'print' },
  { what: 'on a phone', width: 390, medium: 'screen' },
] as const;

describe.each(media)('$what', ({ width, medium }) => {
  test('every table shows every cell whole', async () => {
    const { page } = await openPage(browser, service.origin, { viewport: { width, height: 1000 } });
    await signIn(page, tokens.finance);
    await page.emulateMedia({ media: medium });
    const seen = await seenOn(page);
    expect([...new Set(seen.map(({ id }) => id))].sort()).toEqual(everyTable.toSorted());
  });

  test('a column that is too wide is found', async () => {
    const { page } = await openPage(browser, service.origin, { viewport: { width, height: 1000 } });
    await signIn(page, tokens.finance);
    await page.emulateMedia({ media: medium });
    await page.goto('/reports/2026-10');
    await page.evaluate(`for (const cell of document.querySelectorAll('#costs td.number .money'))
      cell.textContent = '9'.repeat(200);`);
    const seen = await page.evaluate<Seen[]>(whatIsSeen);
    expect(seen.find(({ id }) => id === 'costs-table')?.cutOff.length).toBeGreaterThan(0);
  });
});
