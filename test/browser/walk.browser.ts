import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { reportRuns } from '../../src/db/report-runs.ts';
import { fillBooks, now, prices } from '../http/pages-books.ts';
import { startService, type TestService, tokens } from '../http/support.ts';
import { openPage, signIn, startChromium, tabTo } from './chromium.ts';

let service: TestService;
let browser: Browser;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillBooks({ ...service.context, now });
  browser = await startChromium();
});

const heading = (page: Page): Promise<string> => page.locator('h1').innerText();
/** Goes to a link by Tab and follows it with Enter. */
async function follow(page: Page, name: string | RegExp): Promise<void> {
  await tabTo(page, (focused) => (typeof name === 'string' ? focused.name === name : name.test(focused.name)));
  await Promise.all([page.waitForEvent('framenavigated'), page.keyboard.press('Enter')]);
}
async function download(page: Page, name: string | RegExp) {
  await tabTo(page, (focused) => (typeof name === 'string' ? focused.name === name : name.test(focused.name)));
  const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
  const bytes = await readFile(await file.path());
  return { name: file.suggestedFilename(), bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** No mouse is used here, and no script is allowed. */
describe('by keyboard alone', () => {
  test('finance signs in, reads a month, downloads a file whose hash is the manifest’s, finds an explanation', async () => {
    const { page, faults } = await openPage(browser, service.origin, {
      javaScriptEnabled: true,
      acceptDownloads: true,
    });
    await signIn(page, tokens.finance);
    await follow(page, 'Reports');
    expect(await heading(page)).toBe('Reports');
    await follow(page, 'October 2026');
    expect(await heading(page)).toBe('October 2026');
    expect(await page.locator('.figures .main dd').innerText()).toMatch(/^4\.40\sEUR/);
    const summary = await download(page, 'Summary as CSV');
    expect(summary.name).toBe('idscan-cost_2026-10_v1_summary.csv');
    const copy = await download(page, 'Summary as Excel, Dutch');
    expect(copy.name).toBe('idscan-cost_2026-10_v1_summary.excel-nl.csv');
    expect(copy.bytes.subarray(0, 3)).toEqual(Buffer.from([0xef, 0xbb, 0xbf]));
    await tabTo(page, ({ tag }) => tag === 'SUMMARY');
    await page.keyboard.press('Enter');
    const manifest = await download(page, 'manifest.json');
    const { files } = JSON.parse(manifest.bytes.toString()) as { files: { name: string; sha256: string }[] };
    expect(files.find(({ name }) => name === summary.name)?.sha256).toBe(summary.sha256);
    await page.goto('/reports/2026-11');
    await tabTo(page, ({ name }) => name === 'Transaction or result ID');
    await page.keyboard.type('result-2026-11');
    await Promise.all([page.waitForURL('**/transactions/result-2026-11'), page.keyboard.press('Enter')]);
    expect(await heading(page)).toBe('Transaction tx-2026-11-result');
    expect(await page.locator('main').innerText()).toContain('The scan succeeded, and the rule for success says');
    expect(faults).toEqual([]);
  });

  test('the first Tab offers the content, and the files can be asked for anew', async () => {
    const { page, faults } = await openPage(browser, service.origin);
    await signIn(page, tokens.operator);
    await page.goto('/reports/2026-11');
    const first = await tabTo(page, () => true);
    expect(first.name).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate<string>('document.activeElement.id')).toBe('content');
    await tabTo(page, ({ name }) => name === 'Write the files anew');
    await Promise.all([page.waitForURL('**/reports/2026-11#files'), page.keyboard.press('Enter')]);
    expect(await page.locator('[role=status]').innerText()).toContain('A report was asked for');
    const runs = await reportRuns(service.context.db.kysely);
    expect(runs.find(({ period }) => period === '2026-11')?.dueAt).toBeInstanceOf(Date);
    expect(faults).toEqual([]);
  });

  test('a wrong token, and what a role lacks, are refused in words; signing out ends it', async () => {
    const { page } = await openPage(browser, service.origin);
    await page.goto('/sign-in');
    await tabTo(page, ({ name }) => name === 'Access token');
    await page.keyboard.type('not a token');
    await Promise.all([page.waitForEvent('framenavigated'), page.keyboard.press('Enter')]);
    expect(await page.locator('[role=alert]').innerText()).toContain('not known here');
    await signIn(page, tokens.finance);
    await page.goto('/queues');
    expect(await heading(page)).toBe('Not allowed');
    await tabTo(page, ({ name }) => name === 'Sign out');
    await Promise.all([page.waitForURL('**/sign-in'), page.keyboard.press('Enter')]);
    await signIn(page, tokens.intake);
    for (const path of ['/reports', '/reports/2026-10', '/transactions/tx-2026-10-0']) {
      await page.goto(path);
      expect(await heading(page), path).toBe('Not allowed');
    }
    await page.goto('/');
    expect(await page.locator('nav a').count()).toBe(0);
  });
});

test('everything works without scripts', async () => {
  const { page, faults } = await openPage(browser, service.origin, { javaScriptEnabled: false });
  await page.goto('/sign-in');
  await page.getByLabel('Access token').fill(tokens.finance);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('main').getByRole('link', { name: 'Reports' }).click();
  await page.getByRole('link', { name: 'October 2026', exact: true }).click();
  expect(await heading(page)).toBe('October 2026');
  expect(await page.locator('svg.wide[role=img]').count()).toBe(2);
  expect(faults).toEqual([]);
});
