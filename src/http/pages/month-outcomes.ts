import { any, type AttemptFilter, none } from '../../domain/attempt-filter.ts';
import { outcomeParts, type OutcomeParts, type Part } from '../../domain/outcome-lines.ts';
import { type CodeLine, quantityKeys } from '../../domain/report-lines.ts';
import type { MonthFigures } from '../../jobs/month/month-figures.ts';
import { ofCodeLine, quantityLink } from './attempt-links.ts';
import { type Bar, barChart } from './charts/bars.ts';
import { place } from './charts/chart.ts';
import { amount, count, counted, money, monthName, nothing, type Priced } from './format.ts';
import { type Html, html } from './html.ts';
import type { Section } from './month-parts.ts';
import { table } from './table.ts';
import { outcome, taskName } from './words.ts';

/** The most rows of a table on a page. The files have all. */
const maxRows = 100;
const maxBars = 12;

type OwnLine = OutcomeParts['own'][number];

/** The month by task and outcome, as bars and as a table that adds up to the month. */
export function outcomesSection({ lines, prices, period }: MonthFigures): Section {
  const hasCorrections = lines.totals.corrections > 0n;
  const parts = outcomeParts(lines, maxRows);
  const hasMoney = prices !== null && parts.own.some((line) => line.amount !== null);
  const { title, about, bars } = chartOf(parts, hasMoney ? prices : null, period);
  const body = html`${bars.length > 0 ? barChart({ id: 'outcomes-chart', title, about }, bars) : null}
    ${table<Row>({
      id: 'outcomes-table',
      caption: 'Attempts by task and outcome',
      rows: rowsOf(parts),
      columns: [
        { header: 'Task', isHeader: true, cell: ({ name }) => name },
        { header: 'Outcome', cell: (row) => row.outcome },
        ...quantityColumns(period),
        { header: 'Amount', isNumber: true, cell: (row) => money(row.amount, prices) },
      ],
      footer: [
        'Total',
        null,
        ...quantityKeys.map((key) => quantityLink(period, {}, parts.total, key, hasCorrections)),
        money(parts.total.amount, prices),
      ],
    })}
    <p class="faint">
      Amounts of outcomes are not rounded; each line under “Costs” is rounded once.
      ${parts.total.unclassified > 0n ? 'There is no amount where something unclassified is in it: it may cost more.' : null}
    </p>`;
  return { id: 'outcomes', title: 'By task and outcome', body };
}

/** @property list what is counted; without it, nothing that can be listed. */
type Row = Partial<Part> &
  Pick<Part, 'amount'> & { readonly name: Html | string; readonly outcome: Html; readonly list?: AttemptFilter };

function rowsOf({ own, others, corrections, minimum, rounding }: OutcomeParts): Row[] {
  const rest = (name: string, part: (Partial<Part> & Pick<Part, 'amount'>) | null, list?: AttemptFilter): Row[] =>
    part ? [{ ...part, name, outcome: nothing, ...(list ? { list } : {}) }] : [];
  return [
    ...own.map((line) => ({
      ...line,
      name: taskName(line.taskType),
      outcome: outcome(line.code),
      list: ofCodeLine(line),
    })),
    ...rest(others ? `${counted(others.lines, 'other')}, as the codes file has them` : '', others),
    ...rest('Corrections of closed months', corrections, { corrects: any }),
    ...rest('Monthly minimum', minimum === null ? null : { amount: minimum }),
    ...rest('Rounding', rounding === null ? null : { amount: rounding }),
  ];
}

const quantityNames = {
  attempts: 'Attempts',
  invoiced: 'Invoiced',
  notInvoiced: 'Not invoiced',
  unclassified: 'Unclassified',
} as const;

const quantityColumns = (period: string) =>
  quantityKeys.map((key) => ({
    header: quantityNames[key],
    isNumber: true,
    cell: ({ list, attempts, invoiced, notInvoiced, unclassified }: Row): Html | string => {
      if (attempts === undefined || invoiced === undefined || notInvoiced === undefined || unclassified === undefined)
        return nothing;
      const of = { attempts, invoiced, notInvoiced, unclassified };
      return list ? quantityLink(period, list, of, key, list.corrects !== none) : count(of[key]);
    },
  }));

function chartOf({ own }: OutcomeParts, prices: Priced | null, period: string) {
  const size = (line: OwnLine): bigint => (prices ? (line.amount ?? 0n) : line.invoiced);
  const written = (value: bigint) =>
    prices ? `${amount(value, prices.minorDigits)} ${prices.currency}` : count(value);
  const figure = (line: OwnLine) =>
    prices && line.amount === null ? `${counted(line.unclassified, 'attempt')} unclassified` : written(size(line));
  const types = [...new Set(own.map(({ taskType }) => taskType))];
  const sorted = own.toSorted((a, b) => Number(size(b) > size(a)) - Number(size(b) < size(a)));
  const drawn = sorted.slice(0, sorted.length > maxBars ? maxBars - 1 : maxBars);
  const rest = sorted.slice(drawn.length);
  const length = (value: bigint) => (prices ? place(value) : Number(value));
  const named = ({ taskType, code }: CodeLine) => `${taskName(taskType)}: ${code ?? 'Success'}`;
  const bars: Bar[] = drawn.map((line) => ({
    label: named(line),
    series: types.indexOf(line.taskType),
    text: figure(line),
    value: length(size(line)),
  }));
  if (rest.length > 0) {
    const sum = rest.reduce((all, line) => all + size(line), 0n);
    bars.push({ label: counted(rest.length, 'other'), series: 4, text: written(sum), value: length(sum) });
  }
  const [first] = sorted;
  const about = first
    ? `${counted(bars.length, 'bar')}, the longest first: ${taskName(first.taskType)}, ${first.code ?? 'success'}, ${figure(first)}. The table below has all figures.`
    : '';
  return { title: `${prices ? 'Money' : 'Invoiced attempts'} by task and outcome, ${monthName(period)}`, about, bars };
}
