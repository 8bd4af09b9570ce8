import { expect } from 'vitest';
import { parsePrice } from '../../src/domain/money.ts';
import type { InvoiceLine, VendorInvoice } from '../../src/domain/vendor-invoice.ts';
import { LedgerError } from '../../src/errors.ts';
import { parseLayout } from '../../src/invoices/layout/layout-file.ts';
import type { Layout } from '../../src/invoices/layout/layout.ts';

/** What a call is refused for: its code and the lines of its message, without the file's name. */
export async function refusalOf(work: () => unknown): Promise<{ code: string; mistakes: string[] }> {
  let result: unknown;
  try {
    result = await work();
  } catch (error) {
    expect(error).toBeInstanceOf(LedgerError);
    const { code, message, hint } = error as LedgerError;
    expect(hint?.length).toBeGreaterThan(10);
    // Nothing moves a terminal's cursor, and nothing is quoted at length.
    expect(message).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    for (const [quoted] of message.matchAll(/"[^"]*"/g)) expect(quoted.length).toBeLessThanOrEqual(43);
    return { code, mistakes: message.split('\n').map((line) => line.replace(/^[^:]*: ?/, '')) };
  }
  throw new Error(
    `read all the same: ${JSON.stringify(result, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`,
  );
}

/** A layout from its JSON. */
export const layoutOf = (json: object): Layout =>
  parseLayout(Buffer.from(JSON.stringify({ version: 'v1', source: 'a test', ...json })), 'layout.json').content;

/** An amount as a person writes it. */
export const money = (text: string): bigint => {
  const micros = parsePrice(text.replace('-', ''));
  if (micros === undefined) throw new Error(`no amount: ${text}`);
  return text.startsWith('-') ? -micros : micros;
};

const line = (
  number: string,
  description: string,
  kind: InvoiceLine['kind'],
  [taskType, level]: [string | null, string | null],
  [quantity, unitPrice, amount]: [string | null, string | null, string],
): InvoiceLine => ({
  line: number,
  description,
  kind,
  taskType,
  level,
  quantity: quantity === null ? null : BigInt(quantity),
  unitPrice: unitPrice === null ? null : money(unitPrice),
  amount: money(amount),
});

/** What every file of the reading matrix says, whatever its form. Signs of windows-1252 that are none of ASCII among it. */
export const november: VendorInvoice = {
  number: 'F-2026/1101',
  isCreditNote: false,
  issueDate: '2026-12-13',
  currency: 'EUR',
  period: null,
  lines: [
    line('1', 'Documentscan advanced – één', 'usage', ['document_scan', 'advanced'], ['12345', '0.85', '10493.25']),
    line('2', 'Face match "selfie"; €, per stuk', 'usage', ['face_match', null], ['1234', '0.3333', '411.29']),
    line('3', 'Face liveness', 'usage', ['face_liveness', null], ['7', '0.123456', '0.86']),
    line('4', 'Servicekosten', 'fee', [null, null], [null, null, '1000']),
    line('5', 'Korting', 'discount', [null, null], [null, null, '-1234.56']),
    line('6', 'BTW 21%', 'tax', [null, null], [null, null, '2240.88']),
  ],
  stated: { net: null, tax: null, total: null },
};

/** Rules for the lines of {@link november}. */
export const novemberRules = [
  { description: 'documentscan advanced*', kind: 'usage', task_type: 'document_scan', level: 'advanced' },
  { description: 'Face match*', kind: 'usage', task_type: 'face_match' },
  { description: '*liveness', kind: 'usage', task_type: 'face_liveness' },
  { description: 'Servicekosten', kind: 'fee' },
  { description: 'Korting', kind: 'discount' },
  { description: 'BTW*', kind: 'tax' },
];

/** Chunks of a file that can be opened again and again, for readers of streams. */
export const openable = (bytes: Buffer, chunkBytes = 1_000) =>
  async function* (): AsyncGenerator<Buffer> {
    await Promise.resolve();
    for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
  };
