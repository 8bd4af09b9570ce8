import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type BillingMistake, startSimulator } from '../../src/simulator/index.ts';
import { documents, isDocumentName } from '../../src/simulator/billing/documents.ts';
import { atEnd } from '../support/books.ts';
import { signToken } from './client.ts';

const priceList = readFileSync(new URL('../../examples/prices.json', import.meta.url), 'utf8');
const names = Object.keys(documents).filter(isDocumentName);

async function vendor(options: Partial<Parameters<typeof startSimulator>[0]> = {}) {
  const simulator = await startSimulator({ seed: 5, month: '2026-10', transactions: 60, priceList, ...options });
  atEnd(simulator.close);
  const get = (path: string, authorization = `Bearer ${signToken(simulator)}`) =>
    fetch(new URL(path, simulator.baseUrl), { headers: { authorization } });
  return { simulator, get };
}

test('a right bill charges what the vendor’s own invoice says, and its usage statement has a row for each', async () => {
  const { simulator } = await vendor();
  const { currency, prices } = JSON.parse(priceList) as {
    currency: string;
    prices: { task_type: 'document_scan' | 'face_liveness' | 'face_match'; level: string | null; unit_price: string }[];
  };
  const units = prices.map((one) => ({ taskType: one.task_type, level: one.level, unitPrice: one.unit_price }));
  const invoice = simulator.invoice({ currency, units });
  const bill = simulator.bill({ priceList });
  expect(bill.usage).toHaveLength(invoice.invoicedCount);
  const text = (await simulator.document(bill, 'invoice-nl.csv')).toString('latin1');
  expect(text).toContain(`Subtotaal;;;${invoice.totalAmount?.replace('.', ',')}`);
});

test('the same world and request give the same bytes in every form', async () => {
  const [one, other] = [(await vendor()).simulator, (await vendor()).simulator];
  const mistakes: BillingMistake[] = ['usage_unknown', 'price'];
  for (const name of names) {
    const [first, second] = [one, other].map((each) => each.document(each.bill({ priceList, mistakes }), name));
    expect((await first)?.equals((await second)!), name).toBe(true);
  }
});

test('bills are served to who has a token, with the mistakes that are asked for', async () => {
  const { simulator, get } = await vendor();
  for (const name of names) {
    const answer = await get(`bills/2026-10/${name}?mistakes=rule,fee`);
    const expected = await simulator.document(simulator.bill({ priceList, mistakes: ['rule', 'fee'] }), name);
    expect(answer.status).toBe(200);
    expect(Buffer.from(await answer.arrayBuffer()).equals(expected), name).toBe(true);
  }
  expect((await get('bills/2026-10/usage.csv', 'Bearer a.b.c')).status).toBe(401);
  expect((await get('bills/2026-10/other.csv')).status).toBe(404);
  expect((await (await vendor({ priceList: null })).get('bills/2026-10/usage.csv')).status).toBe(404);
});

test.each([
  ['bills/2026-13/usage.csv', 'A month is written'],
  ['bills/2026-10/usage.csv?mistakes=none,rule', 'none: no such mistake'],
  ['bills/2026-10/usage.csv?mistakes=tier', 'tier: nothing in 2026-10'],
])('%s is refused', async (path, message) => {
  const answer = await (await vendor()).get(path);
  expect(answer.status).toBe(400);
  expect(((await answer.json()) as { message: string }).message).toContain(message);
});
