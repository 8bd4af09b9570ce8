import type { InvoiceLine } from '../../domain/vendor-invoice.ts';
import { type LineRule, statedKinds } from '../layout/layout.ts';
import { meaningOf } from '../layout/line-rules.ts';
import { type Mistake, shown } from '../refusals.ts';
import { cut } from '../values/cells.ts';
import { attributeOf, childrenOf, elementAt, repeated, textAt, type XmlElement } from '../xml.ts';
import type { Figures } from './figures.ts';

const neither = { taskType: null, level: null, quantity: null, unitPrice: null };

const oncePerLine = ['ID', 'InvoicedQuantity', 'CreditedQuantity', 'LineExtensionAmount', 'Item', 'Price'];

/**
 * An `InvoiceLine` or `CreditNoteLine`. Its amount here is quantity × price; its allowances and charges, which the
 * document has within the line's amount, are lines of their own: `3.allowance-1`.
 *
 * @param unmatched gets a line that no rule says anything about.
 */
export function ublLine(
  line: XmlElement,
  index: number,
  rules: readonly LineRule[],
  figures: Figures,
  { mistakes, unmatched }: { mistakes: Mistake[]; unmatched: Mistake[] },
): InvoiceLine[] {
  const id = textAt(line, 'ID') ?? String(index + 1);
  const at = `line ${shown(id)}`;
  for (const [one, count] of repeated(line, oncePerLine))
    mistakes.push({ at, message: `${one} is there ${count} times: a line has one` });
  const description = descriptionOf(line);
  const words = { description, kind: undefined, taskType: undefined, level: levelOf(line) };
  const { kind, taskType, level } = meaningOf(words, rules) ?? {};
  if (kind === undefined || isNoLine(kind)) {
    const rule = kind === undefined ? 'no rule of the layout matches' : `a rule of kind ${kind} matches`;
    unmatched.push({ at, message: `${rule} ${shown(description)}` });
    return [];
  }
  const amount = figures.amount(line, at, 'LineExtensionAmount');
  if (amount === null) mistakes.push({ at, message: 'LineExtensionAmount is missing or unreadable' });
  const quantityName = elementAt(line, 'CreditedQuantity') ? 'CreditedQuantity' : 'InvoicedQuantity';
  const quantity = figures.quantity(line, at, quantityName);
  const unitPrice = figures.unitPrice(line, at);
  const extras = allowanceLines(line, `${id}.`, figures, mistakes);
  const own = (amount ?? 0n) - extras.reduce((sum, extra) => sum + extra.amount, 0n);
  const both = { taskType: taskType ?? null, level: level ?? null };
  return [
    { line: id, description, kind, ...both, quantity, unitPrice, amount: own },
    ...extras.map((extra) => ({ ...extra, ...both })),
  ];
}

/** What a line is called: the item's name, else its description. */
export const descriptionOf = (line: XmlElement): string =>
  cut(textAt(line, 'Item', 'Name') ?? textAt(line, 'Item', 'Description') ?? '', 500);

const isNoLine = (kind: string): kind is (typeof statedKinds)[number] =>
  (statedKinds as readonly string[]).includes(kind);

/** The value of the item's property that is called level. */
const levelOf = (line: XmlElement): string | undefined => {
  const properties = childrenOf(elementAt(line, 'Item'), 'AdditionalItemProperty');
  const level = properties.find((one) => /^(level|niveau)$/i.test(textAt(one, 'Name') ?? ''));
  return textAt(level, 'Value');
};

/** Allowances (negative, `discount`) and charges (`fee`) of a document or of a line. */
export function allowanceLines(
  parent: XmlElement,
  prefix: string,
  figures: Figures,
  mistakes: Mistake[],
): InvoiceLine[] {
  const counts = { allowance: 0, charge: 0 };
  return childrenOf(parent, 'AllowanceCharge').flatMap((one): InvoiceLine[] => {
    const indicator = textAt(one, 'ChargeIndicator');
    const what = indicator === 'true' || indicator === '1' ? 'charge' : 'allowance';
    counts[what] += 1;
    const line = `${prefix}${what}-${counts[what]}`;
    const at = prefix === '' ? line : `line ${shown(line)}`;
    if (!/^(true|false|0|1)$/.test(indicator ?? ''))
      mistakes.push({ at, message: 'ChargeIndicator is neither true nor false' });
    const amount = figures.amount(one, at, 'Amount');
    if (amount === null) {
      mistakes.push({ at, message: 'Amount is missing or unreadable' });
      return [];
    }
    const description = cut(textAt(one, 'AllowanceChargeReason') ?? what, 500);
    const kind = what === 'charge' ? 'fee' : 'discount';
    return [{ line, description, kind, ...neither, amount: what === 'charge' ? amount : -amount }];
  });
}

/** The `TaxTotal` in the document's currency: there may be another in the currency of the tax authority. */
export const taxTotal = (root: XmlElement, currency: string): XmlElement | undefined => {
  const totals = childrenOf(root, 'TaxTotal');
  const own = totals.find((one) => attributeOf(elementAt(one, 'TaxAmount'), 'currencyID') === currency);
  return own ?? (totals.length === 1 ? totals[0] : undefined);
};

/** A line for each rate of tax. */
export function taxLines(total: XmlElement | undefined, figures: Figures, mistakes: Mistake[]): InvoiceLine[] {
  const subtotals = childrenOf(total, 'TaxSubtotal');
  return (subtotals.length > 0 || !total ? subtotals : [total]).flatMap((one, index): InvoiceLine[] => {
    const line = `tax-${index + 1}`;
    const amount = figures.amount(one, line, 'TaxAmount');
    if (amount === null) {
      mistakes.push({ at: line, message: 'TaxAmount is missing or unreadable' });
      return [];
    }
    const [category, percent] = [textAt(one, 'TaxCategory', 'ID'), textAt(one, 'TaxCategory', 'Percent')];
    const description = ['tax', category, percent === undefined ? undefined : `${percent}%`].filter(Boolean).join(' ');
    const taxable = figures.amount(one, line, 'TaxableAmount');
    const common = { line, description: cut(description, 500), kind: 'tax', ...neither, amount } as const;
    return [taxable === null ? common : { ...common, taxable }];
  });
}
