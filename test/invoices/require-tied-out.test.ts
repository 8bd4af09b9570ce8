import { expect, test } from 'vitest';
import { LedgerError } from '../../src/errors.ts';
import { requireTiedOut } from '../../src/invoices/require-tied-out.ts';
import { money, november } from './support.ts';

test('an invoice that adds up passes; one that does not is told where and by how much', () => {
  expect(() => requireTiedOut(november)).not.toThrow();
  const lines = november.lines.map((line) => (line.line === '2' ? { ...line, amount: money('411.3') } : line));
  let error: unknown;
  try {
    requireTiedOut({ ...november, lines, stated: { net: money('10670.84'), tax: null, total: null } });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(LedgerError);
  const { code, message } = error as LedgerError;
  expect(code).toBe('invoice_not_tied_out');
  expect(message.split('\n')).toEqual([
    'Invoice "F-2026/1101", in EUR, does not add up.',
    'line "2": quantity × unit price: 411.29; stated: 411.30; off by 0.01',
    'net: the lines without tax: 10670.85; stated: 10670.84; off by -0.01',
  ]);
});
