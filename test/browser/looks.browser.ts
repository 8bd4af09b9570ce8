import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { fillBooks, now, prices } from '../http/pages-books.ts';
import { startService, type TestService, tokens } from '../http/support.ts';
import { seriousFindings } from './accessible.ts';
import { openPage, signIn, startChromium } from './chromium.ts';

const pages = [
  { name: 'sign-in', path: '/sign-in', isOpen: true },
  { name: 'start', path: '/' },
  { name: 'reports', path: '/reports' },
  { name: 'month-open', path: '/reports/2026-11' },
  { name: 'month-closed', path: '/reports/2026-10' },
  { name: 'attempts', path: '/reports/2026-11/attempts' },
  { name: 'attempts-filtered', path: '/reports/2026-11/attempts?task=document_scan&invoiced=true&corrects=2026-10' },
  { name: 'attempts-none', path: '/reports/2026-10/attempts?level=none&task=document_scan' },
  { name: 'find', path: '/transactions' },
  { name: 'not-found', path: '/transactions/nobody' },
  { name: 'explanation', path: '/transactions/tx-2026-10-0' },
  { name: 'error', path: '/reports/2019-01' },
  { name: 'refused', path: '/queues' },
];
const looks = [
  { width: 1280, colorScheme: 'light' },
  { width: 1280, colorScheme: 'dark' },
  { width: 390, colorScheme: 'light' },
  { width: 390, colorScheme: 'dark' },
] as const;

let service: TestService;
let browser: Browser;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillBooks({ ...service.context, now }, 40);
  browser = await startChromium();
});

describe.each(looks)('at $width px, $colorScheme', ({ width, colorScheme }) => {
  test('every page is accessible, fits, and asks nobody else', async () => {
    const { page, faults } = await openPage(browser, service.origin, {
      viewport: { width, height: 800 },
      colorScheme,
    });
    await signIn(page, tokens.finance);
    for (const { name, path: target, isOpen } of pages) {
      await page.goto(target);
      expect(await seriousFindings(page), name).toEqual([]);
      const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
      expect(overflow, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
      expect(isOpen === true || (await page.locator('h1').count()) === 1, name).toBe(true);
      const folder = process.env['SCREENSHOTS'];
      if (folder === undefined) continue;
      await mkdir(folder, { recursive: true });
      await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`), fullPage: true });
    }
    expect(faults).toEqual([]);
  });
});

test('what is not accessible is found', async () => {
  const { page } = await openPage(browser, service.origin);
  await page.goto('/sign-in');
  await page.evaluate("document.querySelector('label').remove(); document.documentElement.removeAttribute('lang')");
  expect((await seriousFindings(page)).map((finding) => finding.split(':')[0])).toEqual(['html-has-lang', 'label']);
});
