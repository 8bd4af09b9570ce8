import type { ReportRun } from '../../db/report-runs.ts';
import type { MonthFigures } from '../../jobs/month/month-figures.ts';
import type { MonthTotals } from '../../jobs/month/months.ts';
import type { Published } from '../../reports/published.ts';
import type { Part } from './html.ts';

/** What the page of a month is made of. */
export type MonthPage = {
  readonly figures: MonthFigures;
  readonly run: ReportRun | null;
  readonly published: Published | undefined;
  /** Twelve months up to this one; `undefined` = not known, or not counted yet. */
  readonly trend: readonly { readonly period: string; readonly totals: MonthTotals | undefined }[];
  /** Months before and after this one that have a page. */
  readonly neighbours: { readonly earlier: boolean; readonly later: boolean };
};

/** A part of the page, with its place in the table of contents. */
export type Section = { readonly id: string; readonly title: string; readonly body: Part };
