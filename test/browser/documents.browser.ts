import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { documentAccesses } from '../../src/db/document-accesses.ts';
import { startService, tokens } from '../http/support.ts';
import { jpeg, pdf, storeDocuments } from '../support/documents.ts';
import { seriousFindings } from './accessible.ts';
import { openPage, signIn, startChromium, tabTo } from './chromium.ts';

const id = '11111111-2222-4333-8444-555555555555';

test.each([1280, 390])(
  'a custodian reads a document by keyboard, and sees that it is on record (%d px)',
  async (width) => {
    const service = await startService();
    await storeDocuments(service.context, id, [jpeg, pdf]);
    await storeDocuments(service.context, id, [pdf], 'audit_report');
    const browser = await startChromium();
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
      await page.screenshot({ path: path.join(folder, `${name}-${width}.png`), fullPage: true });
    };
    await signIn(page, tokens.custodian);
    await tabTo(page, ({ name }) => name === 'Transaction or result ID');
    await page.keyboard.type(id);
    await Promise.all([page.waitForURL(`**/transactions/${id}`), page.keyboard.press('Enter')]);
    await look('transaction-custodian');
    await tabTo(page, ({ name }) => name === 'Read documents');
    await Promise.all([page.waitForURL('**/documents'), page.keyboard.press('Enter')]);
    await tabTo(page, ({ name }) => name === 'Why it is read');
    await page.keyboard.type('case 4711');
    const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    expect(file.suggestedFilename()).toBe('document_result_0.jpg');
    expect((await readFile(await file.path())).equals(jpeg)).toBe(true);
    // The download leaves the page as it was.
    expect(page.url()).toMatch(/\/documents$/);
    await page.reload();
    expect(await page.locator('#accesses-table').count()).toBe(1);
    expect(await page.locator('main').innerText()).toContain('case 4711');
    await look('documents');
    expect(await documentAccesses(service.context.db.kysely, { transactionId: id, limit: 10 })).toHaveLength(1);
    expect(faults).toEqual([]);
  },
);
