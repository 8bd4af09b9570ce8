import { scaleBand, scaleLinear } from 'd3-scale';
import { count } from '../format.ts';
import { type Html, html } from '../html.ts';
import { atBothWidths, type ChartText } from './chart.ts';

/** @property value `null` = unknown. @property isOpen the value may still change. */
export type MonthColumn = {
  readonly label: string;
  readonly year: string | null;
  readonly value: number | null;
  readonly isOpen: boolean;
  readonly isHere: boolean;
};

const height = 240;
const [top, bottom, leastLeft] = [12, 40, 64];
const digitWidth = 7;

/** Vertical columns over a scale, for months. */
export function columnChart(text: ChartText, months: readonly MonthColumn[]): Html {
  return atBothWidths(text, height, (width) => {
    const values = months.map(({ value }) => value ?? 0);
    const upright = scaleLinear()
      .domain([Math.min(0, ...values), Math.max(0, ...values) || 1])
      .nice(4)
      .range([height - bottom, top]);
    const longest = Math.max(...upright.ticks(4).map((tick) => tickText(tick).length));
    const left = Math.max(leastLeft, longest * digitWidth + 14);
    const along = scaleBand<number>()
      .domain(months.map((_, index) => index))
      .range([left, width])
      .paddingInner(0.3)
      .paddingOuter(0.15);
    const zero = upright(0);
    const ticks = upright.ticks(4).map((tick) => {
      const y = upright(tick);
      return html`<line class="${tick === 0 ? 'zero' : 'grid'}" x1="${left}" x2="${width}" y1="${y}" y2="${y}" /><text
          class="tick"
          x="${left - 10}"
          y="${y + 4}"
          text-anchor="end"
          >${tickText(tick)}</text
        >`;
    });
    const columns = months.map(({ label, year, value, isOpen, isHere }, index) => {
      const x = along(index) ?? 0;
      const wide = along.bandwidth();
      const y = upright(value ?? 0);
      const kind = `${isOpen ? 'open' : 'closed'}${isHere ? ' here' : ''}`;
      const middle = x + wide / 2;
      return html`<g class="column ${kind}">
        <rect
          x="${rounded(x)}"
          y="${rounded(Math.min(y, zero))}"
          width="${rounded(wide)}"
          height="${rounded(Math.abs(zero - y))}"
          rx="2"
        />
        <text class="tick" x="${rounded(middle)}" y="${height - bottom + 18}" text-anchor="middle">
          ${width < 500 ? label.slice(0, 1) : label}
        </text>
        ${
          year === null
            ? null
            : html`<text class="tick" x="${rounded(middle)}" y="${height - bottom + 34}" text-anchor="middle"
                >${year}</text
              >`
        }
      </g>`;
    });
    return [...ticks, ...columns];
  });
}

const rounded = (place: number): number => Math.round(place * 10) / 10;

/** Ticks are round numbers. A large one is whole: written as a float, it could have an exponent. */
const tickText = (tick: number): string => {
  if (Number.isInteger(tick)) return count(BigInt(tick));
  const [whole = '', fraction] = String(rounded(tick * 100) / 100).split('.');
  return `${count(BigInt(whole))}${fraction === undefined ? '' : `.${fraction}`}`;
};
