import { access } from 'node:fs/promises';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { atEnd } from '../support/books.ts';

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts Chromium. Fails where it is missing: these tests are never skipped. */
export async function startChromium(): Promise<Browser> {
  await access(executablePath).catch(() => {
    throw new Error(
      `There is no Chromium at ${executablePath}. Install it (Debian: apt-get install -y chromium), or name another one in CHROMIUM.`,
    );
  });
  const browser = await chromium.launch({ executablePath, args });
  atEnd(() => browser.close());
  return browser;
}

/** A page that fails the test for whatever goes wrong in it: scripts, refused content, requests to other hosts. */
export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext({ baseURL: origin, locale: 'en-GB', timezoneId: 'UTC', ...options });
  atEnd(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/status of 40[134]/.test(message.text())) faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin)) faults.push(`asked another host: ${request.url()}`);
  });
  return { page, faults };
}

/** Signs in by keyboard alone: the field has a label, Enter sends the form. */
export async function signIn(page: Page, token: string): Promise<void> {
  await page.goto('/sign-in');
  await tabTo(page, (focused) => focused.name === 'Access token');
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname !== '/sign-in');
}

export type Focused = { readonly tag: string; readonly name: string; readonly href: string };

/** Runs in the page, whose types this project does not know. */
const whatHasFocus = `(() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const label = element.labels?.[0]?.textContent ?? element.textContent;
  return {
    tag: element.tagName,
    name: (label ?? '').replace(/\\s+/g, ' ').trim(),
    href: element.getAttribute('href') ?? '',
    outline: getComputedStyle(element).outlineStyle,
  };
})()`;

/** Presses Tab until what is wanted has the focus, and checks on the way that the focus can be seen. */
export async function tabTo(page: Page, isWanted: (focused: Focused) => boolean, most = 200): Promise<Focused> {
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press('Tab');
    const focused = await page.evaluate<(Focused & { outline: string }) | null>(whatHasFocus);
    if (!focused) continue;
    expect(focused.outline, `focus on ${focused.name}`).not.toBe('none');
    if (isWanted(focused)) return focused;
  }
  throw new Error('no Tab leads there');
}
