import type { Bill, BillLine } from './bill.ts';
import { taxPercent } from './bill.ts';
import { formatMicros, type Micros } from './micros.ts';

/** An Invoice of UBL 2.1, as Peppol BIS Billing 3 has them. Fees and discounts are charges and allowances of the document. */
export function ublInvoice(bill: Bill): Buffer {
  const { number, issueDate, currency, month, lines, net, tax, total } = bill;
  const [money, percent] = [amounts(bill), String(taxPercent)];
  const ofDocument = lines.filter(({ kind }) => kind === 'fee' || kind === 'discount');
  const own = lines.filter((line) => !ofDocument.includes(line));
  const sum = (some: readonly BillLine[]): Micros => some.reduce((all, { amount }) => all + amount, 0n);
  const sumOf = (kind: BillLine['kind']): Micros => sum(lines.filter((line) => line.kind === kind));
  const lastDay = new Date(Date.parse(issueDate) - 86_400_000).toISOString().slice(0, 10);
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2" xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">
  <cbc:CustomizationID>urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0</cbc:CustomizationID>
  <cbc:ProfileID>urn:fdc:peppol.eu:2017:poacc:billing:01:1.0</cbc:ProfileID>
  <cbc:ID>${number}</cbc:ID>
  <cbc:IssueDate>${issueDate}</cbc:IssueDate>
  <cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>
  <cbc:DocumentCurrencyCode>${currency}</cbc:DocumentCurrencyCode>
  <cbc:BuyerReference>simulated</cbc:BuyerReference>
  <cac:InvoicePeriod><cbc:StartDate>${month}-01</cbc:StartDate><cbc:EndDate>${lastDay}</cbc:EndDate></cac:InvoicePeriod>
  <cac:AccountingSupplierParty>${party('Simulated vendor', '00000001', 'NL000000001B01')}</cac:AccountingSupplierParty>
  <cac:AccountingCustomerParty>${party('Simulated customer', '00000002')}</cac:AccountingCustomerParty>
  <cac:PaymentTerms><cbc:Note>30 days</cbc:Note></cac:PaymentTerms>${ofDocument
    .map(
      ({ kind, description, amount }) => `
  <cac:AllowanceCharge>
    <cbc:ChargeIndicator>${kind === 'fee'}</cbc:ChargeIndicator>
    <cbc:AllowanceChargeReason>${description}</cbc:AllowanceChargeReason>
    ${money('Amount', kind === 'fee' ? amount : -amount)}
    <cac:TaxCategory>${category(percent)}</cac:TaxCategory>
  </cac:AllowanceCharge>`,
    )
    .join('')}
  <cac:TaxTotal>
    ${money('TaxAmount', tax)}
    <cac:TaxSubtotal>${money('TaxableAmount', net)}${money('TaxAmount', tax)}<cac:TaxCategory>${category(percent)}</cac:TaxCategory></cac:TaxSubtotal>
  </cac:TaxTotal>
  <cac:LegalMonetaryTotal>
    ${money('LineExtensionAmount', sum(own))}
    ${money('TaxExclusiveAmount', net)}
    ${money('TaxInclusiveAmount', total)}
    ${money('AllowanceTotalAmount', -sumOf('discount'))}
    ${money('ChargeTotalAmount', sumOf('fee'))}
    ${money('PayableAmount', total)}
  </cac:LegalMonetaryTotal>${own.map((line, index) => lineXml(line, index + 1, money)).join('')}
</Invoice>
`);
}

type Money = (name: string, amount: Micros) => string;

const amounts =
  ({ currency, minorDigits }: Bill): Money =>
  (name, amount) =>
    `<cbc:${name} currencyID="${currency}">${formatMicros(amount, minorDigits)}</cbc:${name}>`;

const taxScheme = '<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>';
const category = (percent: string): string => `<cbc:ID>S</cbc:ID><cbc:Percent>${percent}</cbc:Percent>${taxScheme}`;

const party = (name: string, id: string, vatNumber?: string): string =>
  `<cac:Party><cbc:EndpointID schemeID="0106">${id}</cbc:EndpointID><cac:PostalAddress><cac:Country><cbc:IdentificationCode>NL</cbc:IdentificationCode></cac:Country></cac:PostalAddress>${
    vatNumber === undefined
      ? ''
      : `<cac:PartyTaxScheme><cbc:CompanyID>${vatNumber}</cbc:CompanyID>${taxScheme}</cac:PartyTaxScheme>`
  }<cac:PartyLegalEntity><cbc:RegistrationName>${name}</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party>`;

/** A line without a price of its own is one unit at its amount; one that was rounded apart shows none. */
function lineXml({ kind, description, quantity, unitPrice, amount }: BillLine, number: number, money: Money): string {
  const price = kind === 'usage' ? unitPrice : amount;
  return `
  <cac:InvoiceLine>
    <cbc:ID>${number}</cbc:ID>
    <cbc:InvoicedQuantity unitCode="C62">${quantity ?? 1}</cbc:InvoicedQuantity>
    ${money('LineExtensionAmount', amount)}
    <cac:Item><cbc:Name>${description}</cbc:Name><cac:ClassifiedTaxCategory>${category(String(taxPercent))}</cac:ClassifiedTaxCategory></cac:Item>${
      price === null
        ? ''
        : `
    <cac:Price>${money('PriceAmount', price)}</cac:Price>`
    }
  </cac:InvoiceLine>`;
}
