import type { PeriodClose } from '../../db/period-closes.ts';
import type { ReportRun } from '../../db/report-runs.ts';
import type { MonthFigures } from '../../jobs/month/month-figures.ts';
import type { MonthTotals } from '../../jobs/month/months.ts';
import type { Published } from '../../reports/published.ts';
import { type Html, html, type Part } from './html.ts';
import type { MonthInvoice } from './month-invoice.ts';

/** The content of a month's page. */
export type MonthPage = {
  readonly figures: MonthFigures;
  readonly run: ReportRun | null;
  readonly published: Published | undefined;
  /** Twelve months up to this one; `undefined` = unknown, or not counted yet. */
  readonly trend: readonly { readonly period: string; readonly totals: MonthTotals | undefined }[];
  readonly invoice: MonthInvoice;
  /** Whether the months before and after this one have a page. */
  readonly neighbours: { readonly earlier: boolean; readonly later: boolean };
};

/** A section of the page, which is listed in the table of contents. */
export type Section = { readonly id: string; readonly title: string; readonly body: Part };

/** Whether a month is closed, beside its heading. */
export const statusTag = (close: Pick<PeriodClose, 'version'> | null): Html =>
  close
    ? html`<span class="tag good">Closed, version ${close.version}</span>`
    : html`<span class="tag">Open, provisional</span>`;
