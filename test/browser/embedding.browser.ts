import { createServer } from 'node:http';
import { sql } from 'kysely';
import type { Browser, Frame, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { bearer, tokens } from '../http/support.ts';
import { atEnd, waitFor } from '../support/books.ts';
import { startChromium } from './chromium.ts';
import { complaintsOf, startShop, startSite } from './sites.ts';

/** A page that loads `embed.js` from the ledger, with a nonce, beside a frame of a site that means no good. */

type Created = { transactionId: string; url: string; browserToken: string };
type Reported = { result_id: string | null; left: boolean; ignored_messages: number };

let browser: Browser;
let world: Awaited<ReturnType<typeof startShop>>;
let evil: string;
beforeAll(async () => {
  browser = await startChromium();
  world = await startShop();
  evil = await startSite(
    createServer((request, response) => {
      const id = new URL(request.url ?? '/', 'http://evil.test').searchParams.get('id') ?? '';
      response.setHeader('content-type', 'text/html').end(`<!doctype html><script>
        const forged = { type: 'transaction.state.updated', transaction: { id: ${JSON.stringify(id)}, state: 'completed', resultId: 'r-forged' } };
        setInterval(() => { for (let count = 0; count < 200; count += 1) parent.postMessage(forged, '*'); }, 20);
      </script>`);
    }),
  );
});

async function create(): Promise<Created> {
  const answer = await world.service.ask('/api/transactions', {
    method: 'POST',
    headers: { ...bearer(tokens.intake), 'content-type': 'application/json' },
    body: JSON.stringify({ tasks: ['document_scan'], browserOrigin: world.otherOrigin }),
  });
  return JSON.parse(answer.text) as Created;
}

/** Shows a transaction, and a frame of the evil site where `besides` says so. */
async function show(created: Created, besides: 'alone' | 'besides' = 'alone') {
  const { origin: ledger } = world.service;
  world.serveOther((request, response) => {
    const isScript = request.url === '/page.js';
    const policy =
      `default-src 'none'; script-src 'nonce-n1'; connect-src ${ledger}; ` +
      `frame-src ${new URL(created.url).origin} ${evil}; base-uri 'none'; require-trusted-types-for 'script'`;
    response.setHeader('content-security-policy', policy);
    response.setHeader('referrer-policy', 'no-referrer');
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    const { url, transactionId, browserToken: token } = created;
    const options = JSON.stringify({ url, transactionId, token, ledger });
    response.end(
      isScript
        ? `import { embedTransaction } from '${ledger}/embed.js';
           window.said = [];
           window.forged = 0;
           addEventListener('message', ({ origin }) => { if (origin === '${evil}') window.forged += 1; });
           window.embedded = embedTransaction({ ...${options}, container: document.querySelector('main'),
             onCompleted: ({ resultId }) => window.said.push(resultId), onReported: (outcome) => window.said.push(outcome) });`
        : `<!doctype html><title>A page</title><main></main>${besides === 'alone' ? '' : `<iframe id="evil" src="${evil}/?id=${transactionId}"></iframe>`}
           <script type="module" nonce="n1" src="/page.js"></script>`,
    );
  });
  const context = await browser.newContext();
  atEnd(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = complaintsOf(page);
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/api/browser-results')) sent.push(request.postData() ?? '');
  });
  const open = async () => {
    await page.goto(world.otherOrigin);
    await page.frameLocator('.idscan-frame').getByRole('heading').first().waitFor();
  };
  return { page, complaints, sent, open };
}

const said = (page: Page) => page.evaluate<string[]>('window.said');
const complete = (page: Page) =>
  page.frameLocator('.idscan-frame').getByRole('button', { name: 'Complete every task' }).click();
/** Waits until the evil site has said often enough that all is done. */
const heardForged = (page: Page) =>
  waitFor('forged messages', async () => (await page.evaluate<number>('window.forged')) >= 2_500);
const vendorFrame = (page: Page, { url }: Created): Frame => page.frames().find((frame) => frame.url() === url)!;
async function reported({ transactionId }: Created): Promise<Reported | undefined> {
  const { rows } = await sql<Reported>`
    select result_id, left_at is not null as left, ignored_messages from browser_reports
    where transaction_id = ${transactionId}`.execute(world.context.db.kysely);
  return rows[0];
}

describe('embed.js', () => {
  test('works with a nonce, and tells the result it was told', async () => {
    const created = await create();
    const { page, complaints, sent, open } = await show(created);
    await open();
    await complete(page);
    await waitFor('the report', async () => (await said(page)).includes('reported'));
    const [resultId] = await said(page);
    expect(await reported(created)).toEqual({ result_id: resultId, left: false, ignored_messages: 0 });
    expect(sent.map((body) => (JSON.parse(body) as { event: string }).event)).toEqual(['opened', 'completed']);
    expect(complaints).toEqual([]);
  });

  test('hears nobody but the vendor, and counts who speaks in its name', async () => {
    const created = await create();
    const { page, sent, open } = await show(created, 'besides');
    await open();
    await heardForged(page);
    await complete(page);
    await waitFor('the report', async () => (await said(page)).includes('reported'));
    expect(await said(page)).toHaveLength(2);
    const row = (await reported(created))!;
    expect(row.result_id).not.toBe('r-forged');
    expect(row.ignored_messages).toBeGreaterThanOrEqual(2_000);
    expect(sent).toHaveLength(2);
  });

  test('does not hear what the frame says once it has navigated away', async () => {
    const created = await create();
    const { page, sent, open } = await show(created);
    await open();
    await vendorFrame(page, created).evaluate(`location.href = '${evil}/?id=${created.transactionId}'`);
    await heardForged(page);
    await page.evaluate('window.embedded.close()');
    await waitFor('the page to say that it is left', async () => (await reported(created))?.left === true);
    expect(await said(page)).toEqual([]);
    const row = (await reported(created))!;
    expect(row).toMatchObject({ result_id: null, left: true });
    expect(row.ignored_messages).toBeGreaterThanOrEqual(2_000);
    expect(sent.length).toBeLessThanOrEqual(2);
  });

  test('outlives a flood of the vendor’s own, and hears what comes after it', async () => {
    const created = await create();
    const { page, sent, open } = await show(created);
    await open();
    await vendorFrame(page, created).evaluate(
      `for (let count = 0; count < 20000; count += 1) parent.postMessage({ type: 'noise', count, text: 'x'.repeat(100) }, '*')`,
    );
    await complete(page);
    // The flood may be going on while this is said: what is said again after a reload of the frame is heard.
    await waitFor('the report', async () => {
      if ((await said(page)).includes('reported')) return true;
      await page.evaluate(`document.querySelector('.idscan-frame').src = '${created.url}'`);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return false;
    });
    const row = (await reported(created))!;
    expect(row.result_id).not.toBeNull();
    expect(row.ignored_messages).toBeGreaterThan(15_000);
    expect(sent).toHaveLength(2);
  });

  test.each([
    ['another transaction', { id: 'other', state: 'completed', resultId: 'r-1' }],
    ['no result', { state: 'completed', resultId: null }],
    ['another state', { state: 'pending', resultId: 'r-1' }],
    ['a result that is no text', { state: 'completed', resultId: { toString: 'r-1' } }],
    ['a result that is too long', { state: 'completed', resultId: 'r'.repeat(200) }],
  ])('takes no message of the vendor’s for an end that says %s', async (_what, transaction) => {
    const created = await create();
    const { page, sent, open } = await show(created);
    await open();
    const message = { type: 'transaction.state.updated', transaction: { id: created.transactionId, ...transaction } };
    await vendorFrame(page, created).evaluate(`parent.postMessage(${JSON.stringify(message)}, '*')`);
    await vendorFrame(page, created).evaluate(`parent.postMessage('{"type":', '*')`);
    await complete(page);
    await waitFor('the report', async () => (await said(page)).includes('reported'));
    expect(await said(page)).toHaveLength(2);
    expect((await said(page))[0]).not.toMatch(/^r/);
    expect(sent).toHaveLength(2);
  });

  test('repeats what is not answered, and is told for good what is refused', async () => {
    const created = await create();
    const { page, sent, open } = await show(created);
    let answers = 0;
    await page.route('**/api/browser-results', async (route) => {
      answers += 1;
      if (answers === 1) await route.abort('connectionrefused');
      else if (answers <= 3) await route.fulfill({ status: 503, headers: { 'access-control-allow-origin': '*' } });
      else await route.continue();
    });
    await open();
    await complete(page);
    await waitFor('the report', async () => (await said(page)).includes('reported'));
    expect(sent).toHaveLength(5);
    const forged = { ...(await create()), browserToken: 'x.y' };
    const refused = await show(forged);
    await refused.open();
    await complete(refused.page);
    await waitFor('the refusal', async () => (await said(refused.page)).includes('browser_token_invalid'));
    expect(refused.sent).toHaveLength(2);
  });

  test('sends what is waiting when the page is left', async () => {
    const created = await create();
    const { page, open } = await show(created);
    let isAway = true;
    await page.route('**/api/browser-results', async (route) => {
      if (isAway) await route.fulfill({ status: 503, headers: { 'access-control-allow-origin': '*' } });
      else await route.continue();
    });
    await open();
    await complete(page);
    await waitFor('the end to be known', async () => (await said(page)).length === 1);
    isAway = false;
    await page.goto('about:blank');
    await waitFor('the result', async () => (await reported(created))?.result_id?.length === 36);
  });

  test('refuses addresses that are none', async () => {
    const { page, open } = await show(await create());
    await open();
    const tried = (options: string) =>
      page.evaluate<string>(`import('${world.service.origin}/embed.js').then(({ embedTransaction }) => {
        try { embedTransaction({ container: document.body, transactionId: 't', token: 'x', url: 'https://v.example/', ledger: 'https://l.example', ...${options} }); return 'fine'; }
        catch (error) { return error.name + ': ' + error.message; }
      })`);
    for (const options of [
      `{ url: 'javascript:alert(1)' }`,
      `{ url: 'nowhere' }`,
      `{ ledger: 'data:,x' }`,
      `{ vendorOrigin: '*' }`,
      `{ vendorOrigin: 'https://v.example/path' }`,
    ])
      expect(await tried(options)).toMatch(/^TypeError: /);
  });
});
