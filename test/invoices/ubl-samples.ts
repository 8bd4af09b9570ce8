/** Documents after Peppol BIS Billing 3.0, written by hand. */

const envelope = (root: 'Invoice' | 'CreditNote', content: string): string => `<?xml version="1.0" encoding="UTF-8"?>
<${root} xmlns="urn:oasis:names:specification:ubl:schema:xsd:${root}-2"
  xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
  xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:2017:poacc:billing:01:1.0</cbc:ProfileID>
${content}
</${root}>
`;

const party = `  <cac:AccountingSupplierParty><cac:Party><cbc:EndpointID schemeID="0106">12345678</cbc:EndpointID>
    <cac:PartyLegalEntity><cbc:RegistrationName>Voorbeeld &amp; Zoon B.V.</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>`;

const head = (number: string, code: string, typed = true): string => `  <cbc:ID>${number}</cbc:ID>
  <cbc:IssueDate>2026-12-13</cbc:IssueDate>
  ${typed ? `<cbc:InvoiceTypeCode>${code}</cbc:InvoiceTypeCode>` : `<cbc:CreditNoteTypeCode>${code}</cbc:CreditNoteTypeCode>`}
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
`;
export const period = (start: string, end: string): string =>
  `  <cac:InvoicePeriod><cbc:StartDate>${start}</cbc:StartDate><cbc:EndDate>${end}</cbc:EndDate></cac:InvoicePeriod>`;
export const eur = (name: string, value: string, currency = 'EUR'): string =>
  `<cbc:${name} currencyID="${currency}">${value}</cbc:${name}>`;

type Line = {
  readonly id: string;
  readonly name: string;
  readonly quantity?: string;
  readonly amount: string;
  readonly price?: string;
  readonly base?: string;
  readonly extra?: string;
  readonly item?: string;
};
export const allowance = (isCharge: boolean, amount: string, reason: string): string =>
  `<cac:AllowanceCharge><cbc:ChargeIndicator>${isCharge}</cbc:ChargeIndicator><cbc:AllowanceChargeReason>${reason}</cbc:AllowanceChargeReason>${eur('Amount', amount)}</cac:AllowanceCharge>`;

const lineXml = (root: 'Invoice' | 'CreditNote', line: Line): string => `  <cac:${root}Line>
    <cbc:ID>${line.id}</cbc:ID>
    ${line.quantity === undefined ? '' : `<cbc:${root === 'Invoice' ? 'InvoicedQuantity' : 'CreditedQuantity'} unitCode="C62">${line.quantity}</cbc:${root === 'Invoice' ? 'InvoicedQuantity' : 'CreditedQuantity'}>`}
    ${eur('LineExtensionAmount', line.amount)}
    ${line.extra ?? ''}
    <cac:Item><cbc:Name>${line.name}</cbc:Name>${line.item ?? ''}<cac:ClassifiedTaxCategory><cbc:ID>S</cbc:ID><cbc:Percent>21</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:ClassifiedTaxCategory></cac:Item>
    ${line.price === undefined ? '' : `<cac:Price>${eur('PriceAmount', line.price)}${line.base === undefined ? '' : `<cbc:BaseQuantity unitCode="C62">${line.base}</cbc:BaseQuantity>`}</cac:Price>`}
  </cac:${root}Line>`;

export const taxOf = (
  rates: readonly (readonly [base: string, tax: string, percent: string])[],
  total: string,
): string =>
  `  <cac:TaxTotal>${eur('TaxAmount', total)}${rates
    .map(
      ([base, tax, percent]) =>
        `<cac:TaxSubtotal>${eur('TaxableAmount', base)}${eur('TaxAmount', tax)}<cac:TaxCategory><cbc:ID>${percent === '0' ? 'Z' : 'S'}</cbc:ID><cbc:Percent>${percent}</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:TaxCategory></cac:TaxSubtotal>`,
    )
    .join('')}</cac:TaxTotal>`;

export const totals = (values: Readonly<Record<string, string>>): string =>
  `  <cac:LegalMonetaryTotal>${Object.entries(values)
    .map(([name, value]) => eur(name, value))
    .join('')}</cac:LegalMonetaryTotal>`;

export type Document = {
  readonly root?: 'Invoice' | 'CreditNote';
  readonly number?: string;
  readonly code?: string;
  readonly period?: string;
  readonly allowances?: string;
  readonly tax: string;
  readonly totals: string;
  readonly lines: readonly Line[];
};

export function documentOf({ root = 'Invoice', number = 'F-2026/1101', ...rest }: Document): string {
  const code = rest.code ?? (root === 'Invoice' ? '380' : '381');
  const content = [
    head(number, code, root === 'Invoice') + (rest.period ?? '') + party,
    ...[rest.allowances ?? '', rest.tax, rest.totals, rest.lines.map((line) => lineXml(root, line)).join('\n')],
  ].join('\n');
  return envelope(root, content);
}
