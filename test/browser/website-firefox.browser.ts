import { sql } from 'kysely';
import { beforeAll, describe, expect, test } from 'vitest';
import { waitFor } from '../support/books.ts';
import { type FirefoxPage, startFirefox } from './firefox.ts';
import { chargedFor, rowsOf, startShop } from './sites.ts';

/** The stories of website.browser.ts in the other browser. */

let openPage: () => Promise<FirefoxPage>;
let world: Awaited<ReturnType<typeof startShop>>;
beforeAll(async () => {
  ({ openPage } = await startFirefox());
  world = await startShop();
});

/** Orders something, and waits for the frame. */
async function order(page: FirefoxPage): Promise<{ transactionId: string; frame: string }> {
  await page.goto(world.shop);
  await page.evaluate(`document.querySelector('form').submit()`);
  const shown = await waitFor('the order', async () => {
    const data = await page.evaluate<Record<string, string>>(
      `({ ...document.getElementById('verification')?.dataset })`,
    );
    const { transaction, url } = data;
    return transaction !== undefined && url !== undefined && { transaction, url };
  });
  await heading(page, shown.url);
  return { transactionId: shown.transaction, frame: shown.url };
}

const heading = (page: FirefoxPage, frame: string) =>
  waitFor('the frame', () => page.evaluate<boolean>(`document.querySelector('h1') !== null`, frame));
const press = (page: FirefoxPage, frame: string, move: string) =>
  page.evaluate(`document.querySelector('button[value="${move}"]').click()`, frame);
async function reported(transactionId: string) {
  const { rows } = await sql<{ result_id: string | null; left: boolean }>`
    select result_id, left_at is not null as left from browser_reports
    where transaction_id = ${transactionId}`.execute(world.context.db.kysely);
  return rows[0];
}

describe('a shop under a strict policy, in Firefox', () => {
  test('created, shown, done: the event leads to the result, and to rows in the report', async () => {
    const page = await openPage();
    const { transactionId, frame } = await order(page);
    await press(page, frame, 'complete');
    await waitFor('the report', () =>
      page.evaluate<boolean>(`document.getElementById('verification').dataset.reported === 'reported'`),
    );
    const resultId = (await reported(transactionId))?.result_id;
    expect(resultId).toMatch(/^[\da-f-]{36}$/);
    await world.work();
    const common = { code: '', invoiced: 'true', reference: 'shop', result: resultId };
    expect(await rowsOf(world, transactionId)).toEqual([
      { task: 'document_scan', ...common },
      { task: 'face_liveness', ...common },
    ]);
    expect(chargedFor(world, transactionId)).toBe(2);
    expect(page.complaints()).toEqual([]);
    await page.close();
  });

  test('the customer closes the tab: found after expiry, and charged', async () => {
    const page = await openPage();
    const { transactionId, frame } = await order(page);
    await page.evaluate(`document.getElementById('code').value = 'age_criteria_not_met'`, frame);
    await page.evaluate(`document.getElementById('code').nextElementSibling.click()`, frame);
    await waitFor('the attempt', () => page.evaluate<boolean>(`document.querySelector('td') !== null`, frame));
    await page.close();
    await waitFor('the page to say that it is left', async () => (await reported(transactionId))?.left === true);
    world.letPass(2 * 3_600_000);
    await world.work();
    expect(await rowsOf(world, transactionId)).toEqual([
      { task: 'document_scan', code: 'age_criteria_not_met', invoiced: 'true', reference: 'shop', result: '' },
    ]);
    expect(chargedFor(world, transactionId)).toBe(1);
    expect(page.complaints()).toEqual([]);
  });
});
