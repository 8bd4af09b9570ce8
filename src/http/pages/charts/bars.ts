import { scaleBand, scaleLinear } from 'd3-scale';
import { type Html, html } from '../html.ts';
import { atBothWidths, type ChartText, shortened } from './chart.ts';

/**
 * @property value where the bar ends. @property text the exact value, as shown. @property series its colour, from 0.
 */
export type Bar = { readonly label: string; readonly value: number; readonly text: string; readonly series: number };

const rowHeight = 44;

/** Horizontal bars, each below its name and value. */
export function barChart(text: ChartText, bars: readonly Bar[]): Html {
  return atBothWidths(text, bars.length * rowHeight, (width) => {
    const most = Math.max(0, ...bars.map(({ value }) => value)) || 1;
    const across = scaleLinear().domain([0, most]).range([0, width]);
    const down = scaleBand<number>()
      .domain(bars.map((_, index) => index))
      .range([0, bars.length * rowHeight]);
    return bars.map(({ label, value, text: figure, series }, index) => {
      const top = down(index) ?? 0;
      const length = Math.max(0, across(value));
      return html`<g>
        <text class="label" x="0" y="${top + 16}">${shortened(label, (width - figure.length * 8 - 16) / 7.4)}</text>
        <text class="figure" x="${width}" y="${top + 16}" text-anchor="end">${figure}</text>
        <rect class="track" x="0" y="${top + 23}" width="${width}" height="10" rx="3" />
        <rect
          class="series-${series % 5}"
          x="0"
          y="${top + 23}"
          width="${Math.round(length * 10) / 10}"
          height="10"
          rx="3"
        />
      </g>`;
    });
  });
}
