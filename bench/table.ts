import type { Goal, Result } from './figures/figure.ts';

const short = (value: number): string => {
  const digits = Math.abs(value) >= 1_000 ? value.toFixed(0) : value.toPrecision(3);
  return Number.isFinite(value) ? digits : 'not measured';
};

/** A figure as text: ratios with their goals first, then the values they come from. */
export function tableOf({ name, unit, description, series, lines }: Result): string {
  const rows = lines.map(({ what, value, goal, isHeld }) => [
    what,
    short(value),
    goal ? goalText(goal) : '',
    isHeld === null ? '' : isHeld ? 'held' : 'MISSED',
  ]);
  const raw = series.map((one) => [
    `  ${one.name}`,
    `${short(one.median)} ${unit}`,
    one.values.map(short).join(' '),
    Object.entries(one.also)
      .map(([key, value]) => `${key} ${short(value)}`)
      .join(', '),
  ]);
  return `\n${name}: ${description}\n${aligned(rows)}${aligned(raw)}`;
}

const goalText = (goal: Goal): string => ('atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`);

function aligned(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map(
      (row) =>
        `  ${row
          .map((cell, index) => cell.padEnd(widths[index] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
