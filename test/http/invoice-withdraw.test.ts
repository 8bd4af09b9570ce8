import { beforeAll, expect, test } from 'vitest';
import { keptInvoices } from '../../src/db/vendor-invoices.ts';
import { fillJanuary, tooMuch } from './invoice-books.ts';
import { form, multipart, uploadId } from './invoice-forms.ts';
import { prices } from './pages-books.ts';
import { type Ask, bearer, startService, type TestService, tokens } from './support.ts';

let service: TestService;
beforeAll(async () => {
  service = await startService({ PRICES_FILE: prices });
  await fillJanuary(service.context);
});

const at = '/reports/2026-01/invoice';
const page = async (role: 'finance' | 'operator' = 'finance') =>
  (await service.ask(at, { headers: bearer(tokens[role]) })).text;
const post = (target: string, ask: Ask, role: 'finance' | 'operator' = 'finance') =>
  service.ask(target, { method: 'POST', ...ask, headers: { ...bearer(tokens[role]), ...ask.headers } });

test('finance takes back an invoice that was given for the wrong month, with a reason', async () => {
  const looked = await post(at, multipart([{ field: 'invoice', content: tooMuch }]));
  expect(await page()).not.toContain('Withdraw it');
  await post(`${at}/keep`, form({ upload: uploadId(looked) }));
  expect(await page('operator')).not.toContain('Withdraw it');
  const [, file = ''] = /<option value="([0-9a-f]{64})">INV-1</.exec(await page()) ?? [];
  const reason = 'of <February>';
  expect((await post(`${at}/withdraw`, form({ file, reason }), 'operator')).status).toBe(403);
  for (const fields of [
    { file, reason: ' ' },
    { file: '', reason },
  ])
    expect((await post(`${at}/withdraw`, form(fields))).status).toBe(400);
  expect(await keptInvoices(service.context.db.kysely, '2026-01')).toHaveLength(1);
  const done = await post(`${at}/withdraw`, form({ file, reason }));
  expect(done).toMatchObject({ status: 303, headers: { location: at } });
  expect(await keptInvoices(service.context.db.kysely, '2026-01')).toEqual([]);
  for (const role of ['finance', 'operator'] as const) {
    const text = await page(role);
    expect(text).toContain('No invoice yet');
    expect(text).toContain('INV-1, withdrawn: “of &lt;February&gt;”');
  }
  expect((await post(`${at}/withdraw`, form({ file, reason }))).status).toBe(400);
});

test('what was decided about it is told on the page for as long as it is not found again', async () => {
  const { finding } = await wrongInvoice();
  const decision = { decision: 'dispute', reason: 'never <ordered>', amount: finding.amount };
  expect((await post(`${at}/findings/${finding.id}`, form(decision))).status).toBe(303);
  const before = await page('operator');
  expect(before).not.toContain('no longer found');
  await withdrawInvoice('of March');
  const text = await page('operator');
  expect(text).toContain('Decided earlier and no longer found');
  expect(text).toContain('never &lt;ordered&gt;');
  expect(text).toContain(finding.id);
  await wrongInvoice();
  const again = await page('operator');
  expect(again).not.toContain('no longer found');
  expect(again).toContain('1 file withdrawn earlier');
});

const withdrawInvoice = async (reason: string) => {
  const [, file = ''] = /<option value="([0-9a-f]{64})">INV-1</.exec(await page()) ?? [];
  expect((await post(`${at}/withdraw`, form({ file, reason }))).status).toBe(303);
};

/** The invoice is kept, and its finding. */
async function wrongInvoice() {
  const looked = await post(at, multipart([{ field: 'invoice', content: tooMuch }]));
  await post(`${at}/keep`, form({ upload: uploadId(looked) }));
  const [, id = ''] = /findings\/([0-9a-f]{16})"/.exec(await page()) ?? [];
  const shown = (await service.ask(`${at}/findings/${id}`, { headers: bearer(tokens.finance) })).text;
  const [, amount = ''] = /name="amount" value="([^"]+)"/.exec(shown) ?? [];
  return { finding: { id, amount } };
}
