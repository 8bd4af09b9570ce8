import { formatAmount, type Micros, minorUnitDigits } from '../../domain/money.ts';
import type { Cause } from '../../domain/reconciliation/causes.ts';
import type { PublishedFinding } from './published-finding.ts';
import { dutch } from './dutch.ts';
import { english } from './english.ts';
import { subjectIn } from './subjects.ts';
import { disputeEvidenceName, type DisputeHead, disputeTotals, type LanguageName, payableCredit } from './files.ts';

/** What a letter says in a language. Amounts come written. */
export type Language = {
  readonly decimalMark: string;
  readonly groupMark: string;
  readonly months: readonly string[];
  readonly and: string;
  readonly or: string;
  readonly taskTypes: Readonly<Record<string, string>>;
  readonly to: string;
  readonly from: string;
  readonly subject: (said: Said) => string;
  readonly opening: (said: Said) => readonly string[];
  readonly units: (count: string, isOne: boolean) => string;
  readonly place: (invoice: string, line: string) => string;
  readonly noLine: (invoice: string) => string;
  readonly wholeInvoice: string;
  readonly effect: (finding: PublishedFinding, figures: Figures) => string;
  readonly cause: (cause: Cause, subject: string, isTooMuch: boolean) => string;
  readonly isOneOfSeveral: string;
  readonly evidence: (rows: string, file: string) => string;
  readonly credited: (settled: string, left: string) => string;
  readonly reference: (id: string) => string;
  readonly closing: (said: Said) => readonly string[];
};

/** What the whole letter is about. */
type Said = {
  readonly invoices: string;
  readonly isOneInvoice: boolean;
  readonly month: string;
  readonly items: number;
  readonly currency: string;
  /** Positive, whoever owes it; in whole minor units, as a credit note can say it. */
  readonly expected: string;
  /** What it is rounded from, and to what unit; `undefined` = it is exact. */
  readonly rounded: { readonly exact: string; readonly unit: string } | undefined;
  /** Who owes it: the vendor, who has charged too much, or we; nobody where the items leave the amount as it is. */
  readonly owedBy: 'vendor' | 'us' | 'nobody';
  readonly evidenceFile: string | undefined;
};

/** The figures of a finding as the language writes them, without signs. */
export type Figures = {
  readonly own: string;
  readonly vendor: string;
  readonly units: string;
  readonly ownPrice: string;
  readonly vendorPrice: string;
  readonly ownAmount: string;
  readonly vendorAmount: string;
  readonly amount: string;
};

const texts: Readonly<Record<LanguageName, Language>> = { en: english, nl: dutch };

/** The letter to the vendor, as plain text: it can be pasted into a mail. */
export function letter(head: DisputeHead, name: LanguageName): Buffer {
  const language = texts[name];
  const write = writer(language, head.currency);
  const { expected: exact, evidenceRows } = disputeTotals(head.findings);
  const expected = payableCredit(exact, head.currency);
  const unit = 10n ** BigInt(6 - minorUnitDigits(head.currency));
  const said: Said = {
    invoices: list(
      head.invoices.map(({ number, issueDate }) => `${number} (${dateIn(language, issueDate)})`),
      language,
    ),
    isOneInvoice: head.invoices.length === 1,
    month: monthIn(language, head.period),
    items: head.findings.length,
    currency: head.currency,
    expected: write.money(expected),
    rounded: expected === exact ? undefined : { exact: write.money(exact), unit: write.money(unit) },
    owedBy: expected > 0n ? 'vendor' : expected < 0n ? 'us' : 'nobody',
    evidenceFile: evidenceRows > 0 ? disputeEvidenceName(head.period) : undefined,
  };
  const lines = [
    language.to,
    language.from,
    language.subject(said),
    '',
    ...language.opening(said),
    '',
    ...head.findings.flatMap((finding, index) => [...item(finding, index + 1, language, head), '']),
    ...language.closing(said),
  ];
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** How an amount is written in a letter: `EUR 1,234.50`. */
export const amountIn = (name: LanguageName, amount: Micros, currency: string): string =>
  writer(texts[name], currency).money(amount);

function item(finding: PublishedFinding, number: number, language: Language, head: DisputeHead): string[] {
  const { amount, settled, evidenceRows, certainty } = finding;
  const write = writer(language, head.currency);
  const subject = subjectIn(finding.subject, language.or);
  return [
    `${number}. ${heading(finding, language, head)}`,
    language.effect(finding, figuresOf(finding, write)),
    `${language.cause(finding.cause, subject, amount > 0n)}${certainty === 'ambiguous' ? ` ${language.isOneOfSeveral}` : ''}`,
    ...(settled === 0n ? [] : [language.credited(write.money(settled), write.money(amount - settled))]),
    ...(evidenceRows === 0
      ? []
      : [language.evidence(write.count(BigInt(evidenceRows)), disputeEvidenceName(head.period))]),
    language.reference(finding.id),
  ].map((line, index) => (index === 0 ? line : `   ${line}`));
}

function heading(finding: PublishedFinding, language: Language, { invoices }: DisputeHead): string {
  const { invoiceNumber, invoiceLine, taskType, level } = finding;
  const about = taskType === '' ? '' : [language.taskTypes[taskType] ?? taskType, level].filter(Boolean).join(', ');
  // A line that stands on several invoices is named by each.
  const isOfOne = invoices.length < 2 || invoices.some((one) => one.number === invoiceNumber);
  const [number, line] = isOfOne || invoiceLine === '' ? [invoiceNumber, invoiceLine] : ['', invoiceLine];
  const place = line === '' ? language.noLine(number) : language.place(number, line);
  if (about !== '') return `${about} (${place})`;
  return line === '' ? `${language.wholeInvoice} ${number}` : `${place.charAt(0).toUpperCase()}${place.slice(1)}`;
}

type Writer = {
  readonly money: (amount: Micros | null) => string;
  readonly count: (count: bigint) => string;
  readonly units: (count: bigint | null) => string;
};

const size = (value: bigint): bigint => (value < 0n ? -value : value);

function writer({ decimalMark, groupMark, units }: Language, currency: string): Writer {
  const grouped = (digits: string) => digits.replaceAll(/\B(?=(?:\d{3})+$)/g, groupMark);
  return {
    money: (amount) => {
      const [whole = '0', fraction] = formatAmount(size(amount ?? 0n), minorUnitDigits(currency)).split('.');
      return `${currency} ${grouped(whole)}${fraction === undefined ? '' : `${decimalMark}${fraction}`}`;
    },
    count: (count) => grouped(size(count).toString()),
    units: (count) => units(grouped(size(count ?? 0n).toString()), size(count ?? 0n) === 1n),
  };
}

const figuresOf = (finding: PublishedFinding, { money, units }: Writer): Figures => ({
  own: units(finding.ownQuantity),
  vendor: units(finding.vendorQuantity),
  units: units(finding.quantity),
  ownPrice: money(finding.ownPrice),
  vendorPrice: money(finding.vendorPrice),
  ownAmount: money(finding.ownAmount),
  vendorAmount: money(finding.vendorAmount),
  amount: money(finding.amount),
});

const list = (parts: readonly string[], { and }: Language): string =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} ${and} ${parts.at(-1) ?? ''}`;

function monthIn({ months }: Language, period: string): string {
  const [year = '', month = ''] = period.split('-');
  return `${months[Number(month) - 1] ?? ''} ${year}`;
}

const dateIn = (language: Language, date: string): string =>
  `${Number(date.slice(8))} ${monthIn(language, date.slice(0, 7))}`;
