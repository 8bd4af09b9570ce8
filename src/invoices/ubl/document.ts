import { isCalendarDate } from '../../domain/billing-month.ts';
import { isCurrency } from '../../domain/money.ts';
import type { Payable, StatedPeriod, VendorInvoice } from '../../domain/vendor-invoice.ts';
import { decodeAll, type Encoding, markedEncoding } from '../csv/charset.ts';
import { requireAccount, type StatedAccount } from '../account.ts';
import type { Layout } from '../layout/layout.ts';
import { distinctLines } from '../line-numbers.ts';
import { layoutMismatch, type Mistake, shown, type Source, unreadable } from '../refusals.ts';
import type { Given } from '../stated.ts';
import { monthOf } from '../stated-periods.ts';
import { turnSigns } from '../turn-signs.ts';
import { cut, normalised } from '../values/cells.ts';
import { visibleElement } from '../values/invisible.ts';
import { childrenOf, elementAt, parseXml, repeated, textAt, type XmlElement } from '../xml.ts';
import { type Figures, figuresOf } from './figures.ts';
import { allowanceLines, descriptionOf, taxLines, taxTotal, ublLine } from './lines.ts';
import { periodsOf } from './periods.ts';

const askAnew = 'Ask the vendor for the file anew.';

/**
 * Reads an Invoice or CreditNote of UBL 2.1, as Peppol BIS Billing 3 has them. What a line is about, UBL does not say:
 * the layout's `lines` do.
 *
 * @throws LedgerError `invoice_unreadable`, `layout_mismatch`
 */
export function ublInvoice(
  bytes: Buffer,
  source: Source,
  layout: Layout,
  given: Given,
): { readonly invoice: VendorInvoice; readonly notes: readonly string[]; readonly encoding: Encoding } {
  const { text, encoding } = decodeXml(bytes, source);
  const { name, namespace, root: written } = parseXml(text, source);
  const { root, notes: leftOut } = visibleElement(written);
  const isCreditNote = name === 'CreditNote';
  if ((!isCreditNote && name !== 'Invoice') || namespace !== `urn:oasis:names:specification:ubl:schema:xsd:${name}-2`)
    throw unreadable(source, `is XML, but no UBL 2.1 Invoice or CreditNote: its root is ${shown(name)}`, askAnew);
  const mistakes: Mistake[] = [];
  const unmatched: Mistake[] = [];
  const currency = textAt(root, 'DocumentCurrencyCode') ?? '';
  if (!isCurrency(currency))
    mistakes.push({ at: 'DocumentCurrencyCode', message: `${shown(currency)} is no currency` });
  if (textAt(root, 'InvoiceTypeCode') === '381')
    mistakes.push({
      at: 'InvoiceTypeCode',
      message: '381 is a credit note, and the document is an Invoice: whose signs?',
    });
  for (const [one, count] of repeated(root, ['ID', 'IssueDate', 'DocumentCurrencyCode', 'LegalMonetaryTotal']))
    mistakes.push({ at: one, message: `is there ${count} times: an invoice has one` });
  const figures = figuresOf(currency, mistakes);
  const entries = childrenOf(root, isCreditNote ? 'CreditNoteLine' : 'InvoiceLine');
  if (entries.length === 0) mistakes.push({ at: undefined, message: 'has no lines' });
  const periods = ownPeriods(layout, given) ?? periodsOf(root, { at: 'InvoicePeriod', kind: null }, mistakes);
  const ownLines = entries.flatMap((line, index) => {
    const read = ublLine(line, index, layout.lines, figures, { mistakes, unmatched });
    if (read[0] && ownPeriods(layout, given) === undefined)
      periods.push(...periodsOf(line, { at: `line ${shown(read[0].line)}`, kind: read[0].kind }, mistakes));
    return read;
  });
  for (const { line, kind, quantity, amount } of isCreditNote ? [] : ownLines)
    if (kind === 'usage' && quantity === null && amount > 0n)
      mistakes.push({ at: `line ${shown(line)}`, message: 'InvoicedQuantity is missing, and usage is counted' });
  const tax = taxTotal(root, currency);
  const lines = [...ownLines, ...allowanceLines(root, '', figures, mistakes), ...taxLines(tax, figures, mistakes)];
  const identity = identityOf(root, mistakes);
  const totals = totalsOf(root, tax, figures);
  if (mistakes.length > 0) throw unreadable(source, mistakes, askAnew);
  if (unmatched.length > 0) throw layoutMismatch(source, unmatched);
  requireAccount(layout, accountsIn(root), source, { isEach: false });
  const { lines: numbered, notes } = distinctLines(lines);
  const period = given.period ?? monthOf(periods);
  const invoice = {
    ...identity,
    period,
    ...(periods.length > 0 ? { periods } : {}),
    currency,
    isCreditNote,
    lines: numbered,
    ...totals,
  };
  return { invoice: isCreditNote ? turnSigns(invoice) : invoice, notes: [...leftOut, ...notes], encoding };
}

/** Who the customer is, by the supplier's word and by others. */
function accountsIn(root: XmlElement): StatedAccount[] {
  const customer = elementAt(root, 'AccountingCustomerParty');
  const identifications = childrenOf(elementAt(customer, 'Party'), 'PartyIdentification');
  return [textAt(customer, 'SupplierAssignedAccountID'), ...identifications.map((one) => textAt(one, 'ID'))].map(
    (text) => ({ text: text ?? '', at: 'AccountingCustomerParty' }),
  );
}

/** What the lines of a document are called. @throws LedgerError `invoice_unreadable` */
export function ublDescriptions(bytes: Buffer, source: Source): string[] {
  const { root } = parseXml(decodeXml(bytes, source).text, source);
  return ['InvoiceLine', 'CreditNoteLine'].flatMap((name) => childrenOf(root, name).map(descriptionOf));
}

const declaredEncodings: Readonly<Record<string, Encoding>> = {
  'utf-8': 'utf-8',
  'us-ascii': 'utf-8',
  'iso-8859-1': 'windows-1252',
  'windows-1252': 'windows-1252',
};

/** By the byte order mark, else as the XML declaration says, else UTF-8. */
function decodeXml(bytes: Buffer, source: Source): { readonly text: string; readonly encoding: Encoding } {
  const head = bytes.subarray(0, 200).toString('latin1');
  const declared = /^\s*<\?xml[^>]*encoding=["']([\w.-]+)["']/.exec(head)?.[1]?.toLowerCase() ?? 'utf-8';
  const encoding = markedEncoding(bytes) ?? declaredEncodings[declared];
  if (encoding === undefined)
    throw unreadable(source, `is in the encoding ${shown(declared)}`, 'Ask the vendor for the file in UTF-8.');
  return decodeAll(bytes, encoding, source);
}

function identityOf(root: XmlElement, mistakes: Mistake[]) {
  const [number, issueDate = ''] = [
    cut(normalised(textAt(root, 'ID') ?? ''), 100),
    textAt(root, 'IssueDate')?.slice(0, 10),
  ];
  if (number === '') mistakes.push({ at: 'ID', message: 'is missing: an invoice has a number' });
  if (!isCalendarDate(issueDate))
    mistakes.push({ at: 'IssueDate', message: `${shown(issueDate)} is no day that exists, as YYYY-MM-DD` });
  return { number, issueDate };
}

/** What the layout or whoever reads the document says of its time goes before what it says itself. */
function ownPeriods({ invoice: { period } }: Layout, given: Given): StatedPeriod[] | undefined {
  if (given.period !== undefined) return [];
  if (!period || !('value' in period)) return undefined;
  return [{ from: period.value, to: period.value, at: 'invoice.period of the layout', kind: null }];
}

function totalsOf(
  root: XmlElement,
  tax: XmlElement | undefined,
  figures: Figures,
): Pick<VendorInvoice, 'stated' | 'payable'> {
  const monetary = elementAt(root, 'LegalMonetaryTotal');
  const amount = (name: string) => figures.amount(monetary, 'LegalMonetaryTotal', name);
  const payable = amount('PayableAmount');
  return {
    stated: {
      net: amount('TaxExclusiveAmount'),
      tax: figures.amount(tax, 'TaxTotal', 'TaxAmount'),
      total: amount('TaxInclusiveAmount'),
    },
    ...(payable === null ? {} : { payable: payableOf(payable, amount) }),
  };
}

const payableOf = (payable: bigint, amount: (name: string) => bigint | null): Payable => ({
  amount: payable,
  prepaid: amount('PrepaidAmount') ?? 0n,
  rounding: amount('PayableRoundingAmount') ?? 0n,
});
