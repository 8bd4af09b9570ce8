import { expect, test } from 'vitest';
import { readInvoice } from '../../src/invoices/read-invoice.ts';
import { layoutOf, novemberRules, refusalOf } from './support.ts';
import { documentOf, taxOf, totals } from './ubl-samples.ts';

const columns = { description: 'Wat', amount: 'Bedrag', invoice_number: 'Nr', issue_date: 'Datum', currency: 'Munt' };
const lines = [{ description: '*', kind: 'fee' }];
const file = (...rows: readonly string[]) =>
  Buffer.from(['Klantnummer:;C-1047;;;;', 'Nr;Datum;Munt;Wat;Bedrag;Klant', ...rows, ''].join('\n'));
const row = (account: string) => `F-1;2026-12-01;EUR;Set-up;12.00;${account}`;

const read = (bytes: Buffer, invoice: object, more: object = {}) =>
  readInvoice(bytes, 'november', layoutOf({ columns: { ...columns, ...more }, lines, invoice }));
const refused = (bytes: Buffer, invoice: object, more: object = {}) => refusalOf(() => read(bytes, invoice, more));

test('an invoice of another account than the layout names is refused, whether a column or a label says it', async () => {
  const inColumn = { account: 'Klant' };
  for (const [bytes, invoice, more] of [
    [file(row(''), row('C-1047')), { account: 'C-1047' }, inColumn],
    [file(row(' c-1047 ')), { account: 'C-1047' }, inColumn],
    [file(row('x')), { account: { value: 'C-1047', label: 'Klantnummer' } }, {}],
    [file(row('x')), {}, {}],
  ] as const)
    expect((await read(bytes, invoice, more)).invoice).toMatchObject({ number: 'F-1' });
  expect(await refused(file(row('C-1047'), row('C-9')), { account: 'C-1047' }, inColumn)).toEqual({
    code: 'account_differs',
    mistakes: ['4: the account is "C-9", not "C-1047"'],
  });
  expect(await refused(file(row('x')), { account: { value: 'C-9', label: 'klantnummer' } })).toEqual({
    code: 'account_differs',
    mistakes: ['1: the account is "C-1047", not "C-9"'],
  });
});

test('an invoice that says no account, where the layout names one, is refused', async () => {
  const missing = await refused(file(row('')), { account: 'C-1047' }, { account: 'Klant' });
  expect(missing).toMatchObject({ code: 'layout_mismatch' });
  expect(await refused(file(row('x')), { account: { value: 'C-9', label: 'Debiteur' } })).toMatchObject({
    code: 'invoice_unreadable',
    mistakes: ['invoice.account: the label "Debiteur" stands nowhere beside a value'],
  });
});

const ubl = documentOf({
  tax: taxOf([['12.00', '2.52', '21']], '2.52'),
  totals: totals({ TaxExclusiveAmount: '12.00', TaxInclusiveAmount: '14.52', PayableAmount: '14.52' }),
  lines: [{ id: '1', name: 'Servicekosten', quantity: '1', price: '12.00', amount: '12.00' }],
});

test('in UBL the account is the identification of the customer party, or what the supplier calls it', async () => {
  const layout = (account?: string) => layoutOf({ lines: novemberRules, ...(account ? { invoice: { account } } : {}) });
  const document = (customer: string) =>
    Buffer.from(
      ubl.replace(
        '</cac:AccountingSupplierParty>',
        `</cac:AccountingSupplierParty><cac:AccountingCustomerParty>${customer}</cac:AccountingCustomerParty>`,
      ),
    );
  const party = (id: string) =>
    `<cac:Party><cac:PartyIdentification><cbc:ID>${id}</cbc:ID></cac:PartyIdentification></cac:Party>`;
  const called = (id: string) => `<cbc:SupplierAssignedAccountID>${id}</cbc:SupplierAssignedAccountID>`;
  for (const [customer, account] of [
    [party('C-1047'), 'C-1047'],
    [called('C-1047') + party('NL001'), 'C-1047'],
    [party('NL001'), undefined],
  ] as const)
    expect((await readInvoice(document(customer), 'u.xml', layout(account))).invoice.number).toBe('F-2026/1101');
  const of = (customer: string) => refusalOf(() => readInvoice(document(customer), 'u.xml', layout('C-1047')));
  expect(await of(called('C-8') + party('C-9'))).toEqual({
    code: 'account_differs',
    mistakes: ['AccountingCustomerParty: the account is "C-8", not "C-1047"'],
  });
  expect(await of('')).toMatchObject({ code: 'layout_mismatch' });
});

test('a layout says the account and where it stands, each once', () => {
  const problems = (invoice: object, more: object = {}) =>
    refusalOf(() => layoutOf({ columns: { ...columns, ...more }, lines, invoice }));
  return Promise.all([
    expect(problems({ account: 'C-1' })).resolves.toMatchObject({ code: 'data_file_invalid' }),
    expect(problems({}, { account: 'Klant' })).resolves.toMatchObject({ code: 'data_file_invalid' }),
    expect(problems({ account: { value: 'C-1', label: 'Klant' } }, { account: 'Klant' })).resolves.toMatchObject({
      code: 'data_file_invalid',
    }),
    expect(problems({ account: { label: 'Klant' } })).resolves.toMatchObject({ code: 'data_file_invalid' }),
    expect(problems({ account: '?' }, { account: 'Klant' })).resolves.toMatchObject({ code: 'data_file_invalid' }),
  ]);
});
