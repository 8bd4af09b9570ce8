import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { fillJanuary, tooMuch } from '../http/invoice-books.ts';
import { prices } from '../http/pages-books.ts';
import { startService, tokens } from '../http/support.ts';
import { createTestFolder } from '../support/books.ts';
import { seriousFindings } from './accessible.ts';
import { openPage, signIn, startChromium, tabTo } from './chromium.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await startChromium();
});

const pressEnter = async (page: Page) =>
  Promise.all([page.waitForEvent('framenavigated'), page.keyboard.press('Enter')]);

/** Only the choice of the file is the browser's own dialog; all else is done with the keys. */
test.each([1280, 390])('at %i px, finance takes an invoice from the file to reconciled by keyboard', async (width) => {
  const service = await startService({ PRICES_FILE: prices });
  await fillJanuary(service.context);
  const invoice = path.join(await createTestFolder(), 'invoice.csv');
  await writeFile(invoice, tooMuch);
  const { page, faults } = await openPage(browser, service.origin, {
    viewport: { width, height: 800 },
    acceptDownloads: true,
  });
  const look = async (name: string) => {
    expect(await seriousFindings(page), name).toEqual([]);
    const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
    expect(overflow, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
    const folder = process.env['SCREENSHOTS'];
    if (folder === undefined) return;
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: path.join(folder, `invoice-${name}-${width}.png`), fullPage: true });
  };
  const follow = async (name: string | RegExp) => {
    await tabTo(page, (focused) => (typeof name === 'string' ? focused.name === name : name.test(focused.name)));
    await pressEnter(page);
  };
  const decide = async (finding: string | RegExp, choice: string, reason: string) => {
    await follow(finding);
    await look(`finding-${choice.toLowerCase()}`);
    // Of radio buttons Tab reaches the first; arrows choose.
    await tabTo(page, ({ name }) => name.startsWith('Accept'));
    await page.keyboard.press('Space');
    if (choice !== 'Accept') await page.keyboard.press('ArrowDown');
    await tabTo(page, ({ name }) => name === 'Reason');
    await page.keyboard.type(reason);
    await pressEnter(page);
  };
  await signIn(page, tokens.finance);
  await page.goto('/reports/2026-01');
  await follow('Give it');
  await look('none');
  await page.locator('#invoice').setInputFiles(invoice);
  await follow('Look at it first');
  expect(await page.locator('main').innerText()).toContain('it adds up');
  await look('first');
  await follow('Keep it and reconcile');
  expect(await page.locator('.badge, .title .tag').innerText()).toBe('2 open findings');
  await look('result');
  await decide('Document scan, advanced', 'Dispute', 'not in the contract');
  await follow('Write the letters');
  await look('letters');
  await tabTo(page, ({ name }) => name.endsWith('dispute-letter.en.txt'));
  const [letter] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  expect(letter.suggestedFilename()).toBe('idscan-cost_2026-01_dispute-letter.en.txt');
  await page.goto('/reports/2026-01/invoice');
  await decide(/^INV-1, line 2/, 'Accept', 'agreed by phone');
  await decide('Document scan, advanced', 'Accept', 'not worth it');
  expect(await page.locator('.title .tag').innerText()).toBe('Reconciled');
  await look('reconciled');
  await page.goto('/reports');
  await look('months');
  expect(await page.locator('main').innerText()).toContain('Reconciled');
  await writeFile(invoice, 'no,invoice\r\n1,2\r\n');
  await page.goto('/reports/2026-01/invoice');
  await page.locator('#invoice').setInputFiles(invoice);
  await follow('Look at it first');
  expect(await page.locator('[role=alert]').innerText()).toContain('The invoice cannot be read');
  await look('refused');
  expect(faults.filter((fault) => !/status of 422/.test(fault))).toEqual([]);
});
