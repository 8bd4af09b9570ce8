import { sql } from 'kysely';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { atEnd, waitFor } from '../support/books.ts';
import { seriousFindings } from './accessible.ts';
import { startChromium } from './chromium.ts';
import { chargedFor, complaintsOf, rowsOf, startShop } from './sites.ts';

let browser: Browser;
let world: Awaited<ReturnType<typeof startShop>>;
beforeAll(async () => {
  browser = await startChromium();
  world = await startShop();
});

async function openShop(): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext({ baseURL: world.shop });
  atEnd(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  return { page, complaints: complaintsOf(page) };
}

/** Orders something. @returns the transaction that the shop's page shows. */
async function order(page: Page): Promise<string> {
  await page.goto('/');
  await page.getByRole('button', { name: 'Order, and prove your age' }).click();
  await page.frameLocator('iframe').getByRole('heading', { name: 'Identity verification' }).waitFor();
  return (await page.locator('#verification').getAttribute('data-transaction')) ?? '';
}

const frameOf = (page: Page) => page.frameLocator('iframe');
const policyOf = async (page: Page) => (await page.reload())?.headers()['content-security-policy'] ?? '';

type Reported = { result_id: string | null; opened: boolean; left: boolean };
async function reported(transactionId: string): Promise<Reported | undefined> {
  const { rows } = await sql<Reported>`
    select result_id, opened_at is not null as opened, left_at is not null as left from browser_reports
    where transaction_id = ${transactionId}`.execute(world.context.db.kysely);
  return rows[0];
}

describe('a shop under a strict policy', () => {
  test('created, shown, done: the event leads to the result, and to rows in the report', async () => {
    const { page, complaints } = await openShop();
    const transactionId = await order(page);
    expect(await policyOf(page)).toMatch(/default-src 'none'; script-src 'self'; .*require-trusted-types-for/);
    await frameOf(page).getByLabel('or let the scan fail').selectOption('unknown_type_front');
    await frameOf(page).getByRole('button', { name: 'Fail' }).click();
    await frameOf(page).getByRole('cell', { name: 'unknown_type_front' }).waitFor();
    await frameOf(page).getByRole('button', { name: 'Complete every task' }).click();
    await page.getByText('Thank you').waitFor();
    await page.locator('#verification[data-reported="reported"]').waitFor();
    const { result_id: resultId } = (await reported(transactionId))!;
    expect(resultId).toMatch(/^[\da-f-]{36}$/);
    await world.work();
    const common = { reference: 'shop', result: resultId };
    expect(await rowsOf(world, transactionId)).toEqual([
      { task: 'document_scan', code: 'unknown_type_front', invoiced: 'false', ...common },
      { task: 'document_scan', code: '', invoiced: 'true', ...common },
      { task: 'face_liveness', code: '', invoiced: 'true', ...common },
    ]);
    expect(chargedFor(world, transactionId)).toBe(2);
    expect(complaints).toEqual([]);
  });

  test.each([1_280, 390])('fits at %i px and is accessible, the frame included', async (width) => {
    const { page } = await openShop();
    await page.setViewportSize({ width, height: 900 });
    await order(page);
    const folder = process.env['SCREENSHOTS'];
    const look = async (name: string) => {
      expect(await seriousFindings(page), name).toEqual([]);
      expect(await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
      if (folder !== undefined) await page.screenshot({ path: `${folder}/frame-${name}-${width}.png`, fullPage: true });
    };
    await look('shop');
    await page.goto((await page.locator('#verification').getAttribute('data-url')) ?? '');
    await look('new');
    for (const code of ['front_side_provided_back_side_required', 'unknown_type_back', 'mrz_checksum_failed']) {
      await page.getByLabel('or let the scan fail').selectOption(code);
      await page.getByRole('button', { name: 'Fail' }).click();
    }
    await look('failed');
    await page.getByRole('button', { name: 'Scan the document' }).click();
    await look('scanned');
    await page.getByRole('button', { name: 'Do the liveness check' }).click();
    await look('done');
  });

  // The last one: it puts the vendor's clock forward, and the service's stays.
  test('the customer closes the tab: found after expiry, and charged', async () => {
    const { page, complaints } = await openShop();
    const transactionId = await order(page);
    await frameOf(page).getByLabel('or let the scan fail').selectOption('age_criteria_not_met');
    await frameOf(page).getByRole('button', { name: 'Fail' }).click();
    await frameOf(page).getByRole('cell', { name: 'age_criteria_not_met' }).waitFor();
    await page.close({ runBeforeUnload: true });
    await waitFor('the page to say that it is left', async () => (await reported(transactionId))?.left === true);
    expect(await reported(transactionId)).toEqual({ result_id: null, opened: true, left: true });
    world.letPass(2 * 3_600_000);
    await world.work();
    expect(await rowsOf(world, transactionId)).toEqual([
      { task: 'document_scan', code: 'age_criteria_not_met', invoiced: 'true', reference: 'shop', result: '' },
    ]);
    expect(chargedFor(world, transactionId)).toBe(1);
    expect(complaints).toEqual([]);
  });
});
