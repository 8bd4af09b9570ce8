import * as z from 'zod';
import { isTimeZone, monthBounds, spanText } from '../../domain/billing-month.ts';
import { minorUnitDigits } from '../../domain/money.ts';
import { presentLayout } from '../../domain/report-columns.ts';
import { readJson } from '../../json.ts';
import { isSealIntact } from '../manifest.ts';
import { csvName, dialectNames, kindsOf, manifestName, periodStatuses, statusInNames } from '../names.ts';
import { instantMs, microsOf } from './cells.ts';
import type { Problems } from './problems.ts';

const count = z.int();
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const amount = z.string().refine((text) => microsOf(text) !== undefined, 'not an amount');
const instant = z.string().refine((text) => instantMs(text) !== undefined, 'not an instant');
const period = z.string().regex(/^2\d{3}-(0[1-9]|1[0-2])$/);

const schema = z
  .object({
    period,
    period_status: z.enum(periodStatuses),
    version: z.int().positive().nullable(),
    layout: z.int().min(1).max(presentLayout).optional(),
    as_of: z.iso.datetime({ precision: 3 }).nullable(),
    bounds: z.object({ start: instant, end: instant, time_zone: z.string().min(1) }),
    control_totals: z.object({
      attempts: count,
      invoiced: count,
      not_invoiced: count,
      unclassified: count,
      amount: amount.nullable(),
      unrounded_amount: amount.nullable(),
      currency: z.string().nullable(),
      unpriced: count,
      vendor_counter: count.nullable(),
      monthly_minimum: amount.nullable(),
      corrections: count,
      discrepancies: count,
    }),
    price_list: z.object({ version: z.string() }).nullable(),
    files: z.array(z.object({ name: z.string(), sha256, bytes: count, rows: count })),
  })
  .refine(({ period_status, version }) => (period_status === 'closed') === (version !== null), {
    error: 'period_status and version do not go together',
  })
  .refine(({ as_of, period_status }) => as_of === null || period_status === 'provisional', {
    error: 'as_of is only for an open month, but the month is closed',
  });

export type Manifest = z.infer<typeof schema>;

/** A report's manifest, and what follows from it for the files. */
export type KnownReport = {
  readonly manifest: Manifest;
  readonly minorDigits: number;
  /** The layout of the files' columns. */
  readonly layout: number;
  readonly startMs: number;
  readonly endMs: number;
};

export const knownFormat = 'idscan-ledger-manifest-1';

/** The format that a manifest names; `undefined` = none. */
export function formatOf(bytes: Buffer): string | undefined {
  const read = readJson(bytes);
  const value = 'value' in read ? read.value : undefined;
  const parsed = z.object({ format: z.string() }).safeParse(value);
  return parsed.data?.format;
}

/** Reads a report's manifest. If it is not valid, adds the problems and returns `undefined`. */
export function readManifest(bytes: Buffer, problems: Problems): KnownReport | undefined {
  const manifest = readShape(bytes, schema, manifestName, problems);
  if (!manifest) return undefined;
  const { currency } = manifest.control_totals;
  const startMs = Date.parse(manifest.bounds.start);
  const endMs = Date.parse(manifest.bounds.end);
  const { files, period: month } = manifest;
  checkBounds(manifest, problems);
  const { layout = 1 } = manifest;
  const expected = kindsOf(layout).map((kind) => csvName(month, statusOf(manifest), kind));
  for (const name of expected)
    if (files.filter((file) => file.name === name).length !== 1)
      problems.add(manifestName, `does not name ${name} once`);
  for (const { name } of files)
    if (!expected.includes(name))
      problems.add(manifestName, `names ${JSON.stringify(name)}, which is not a file of this report`);
  return { manifest, startMs, endMs, layout, minorDigits: currency === null ? 0 : minorUnitDigits(currency) };
}

/**
 * Checks the month's bounds against its time zone. They depend on Node's time zone data, so both bounds are named if
 * the data has changed since the month was written.
 */
function checkBounds({ period: month, bounds }: Manifest, problems: Problems): void {
  const { time_zone: timeZone } = bounds;
  const written = { start: new Date(bounds.start), end: new Date(bounds.end) };
  const add = (problem: string) => problems.add(manifestName, `bounds: ${problem}`, { column: 'bounds' });
  if (!isTimeZone(timeZone)) {
    add(`${month} is ${spanText(written)} (${timeZone}), which is not a time zone that this version of Node knows`);
    return;
  }
  const known = monthBounds(month, timeZone);
  if (written.start.getTime() === known.start.getTime() && written.end.getTime() === known.end.getTime()) return;
  add(
    `${month} is ${spanText(written)} (${timeZone}), but in ${timeZone} it is ${spanText(known)}, by the time zones of this version of Node (${process.versions.tz ?? 'unknown'})`,
  );
}

/** What the names of its files say of the month. */
export const statusOf = ({ period_status: status, version }: Pick<Manifest, 'period_status' | 'version'>): string =>
  statusInNames(status, version);

const dialectSchema = z.object({
  dialect: z.enum(dialectNames),
  period,
  period_status: z.string(),
  version: z.int().nullable(),
  derived_from: z.object({ name: z.string(), sha256 }),
  files: z.array(
    z.object({
      name: z.string(),
      sha256,
      bytes: count,
      rows: count,
      derived_from: z.object({ name: z.string(), sha256 }),
    }),
  ),
});

export type DialectManifest = z.infer<typeof dialectSchema>;

/** Reads the manifest of a dialect's copies. */
export function readDialectManifest(bytes: Buffer, name: string, problems: Problems): DialectManifest | undefined {
  return readShape(bytes, dialectSchema, name, problems);
}

export function readShape<T>(bytes: Buffer, shape: z.ZodType<T>, name: string, problems: Problems): T | undefined {
  const read = readJson(bytes);
  if ('problem' in read) {
    problems.add(name, `cannot be read: ${read.problem.kind === 'cut' ? 'it ends too early' : read.problem.reason}`);
    return undefined;
  }
  const parsed = shape.safeParse(read.value);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues)
    problems.add(name, `${path.length > 0 ? `${path.join('.')}: ` : ''}${message}`);
  return undefined;
}

/** Checks a manifest's own hash. Must come last, because the message depends on whether anything else was found. */
export function checkSeal(bytes: Buffer, name: string, problems: Problems): void {
  if (isSealIntact(bytes)) return;
  problems.add(
    name,
    `was changed after it was written: its own sha256 does not match its bytes${problems.count === 0 ? '. Only this hash shows the change, not what was there before' : ''}`,
  );
}
