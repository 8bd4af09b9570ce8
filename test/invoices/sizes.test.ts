import { expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { refusalOf } from './support.ts';

test.each([
  ['any kind', Buffer.alloc(50 * 1024 * 1024 + 1, 0x20), 'has 52428801 bytes'],
  ['XML', Buffer.from(`<Invoice><!--${' '.repeat(17_000_000)}--></Invoice>`), 'has more than 16 MiB of XML'],
])('an invoice that is too large is refused: %s', async (_, bytes, message) => {
  const { code, mistakes } = await refusalOf(() => readInvoice(bytes, 'november'));
  expect(code).toBe('invoice_unreadable');
  expect(mistakes.join()).toContain(message);
});
