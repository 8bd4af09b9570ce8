import type { Micros } from '../../../domain/money.ts';
import { type Html, html } from '../html.ts';

/** @property id unique on its page. @property about describes the chart for people who cannot see it. */
export type ChartText = { readonly id: string; readonly title: string; readonly about: string };

/** Each chart is drawn twice, and the style shows one drawing: scaled down, the text would be too small for a phone. */
const widths = { wide: 880, slim: 340 } as const;

/** Draws a chart for wide and for narrow screens. */
export function atBothWidths({ id, title, about }: ChartText, height: number, draw: (width: number) => Html[]): Html {
  const drawings = Object.entries(widths).map(
    ([name, width]) =>
      html`<svg
        class="chart ${name}"
        viewBox="0 0 ${width} ${height}"
        width="${width}"
        height="${height}"
        role="img"
        aria-labelledby="${id}-${name}-title ${id}-${name}-about"
      >
        <title id="${id}-${name}-title">${title}</title>
        <desc id="${id}-${name}-about">${about}</desc>
        ${draw(width)}
      </svg>`,
  );
  return html`<figure class="chart-frame">
    <figcaption>${title}</figcaption>
    ${drawings}
  </figure>`;
}

/** An amount as a position in a drawing, where a float is precise enough. Written amounts are exact. */
export const place = (micros: Micros): number => Number(micros) / 1_000_000;

/** Shortens a text to fit. The table below has it in full. */
export function shortened(text: string, characters: number): string {
  const all = Array.from(text);
  return all.length <= characters ? text : `${all.slice(0, Math.max(1, Math.floor(characters) - 1)).join('')}…`;
}
