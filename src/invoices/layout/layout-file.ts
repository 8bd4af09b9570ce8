import { z } from 'zod';
import { isPeriod, isTimeZone } from '../../domain/billing-month.ts';
import { taskTypes } from '../../domain/facts.ts';
import { isCurrency } from '../../domain/money.ts';
import {
  calendarDate,
  type DataFile,
  type Format,
  parseDataFile,
  readBytes,
  textOf,
  versionName,
} from '../../reference-data/data-file.ts';
import { encodings } from '../csv/charset.ts';
import { delimiters } from '../csv/records.ts';
import { type DayOrder, dayOrders } from '../values/dates.ts';
import { layoutProblems } from './layout-checks.ts';
import { type FileFormat, invoiceFields, type Layout, rowKinds, usageFields } from './layout.ts';

const error = 'must be an object in braces';
const oneOf = <T extends string>(values: readonly T[]) =>
  z.enum(values, { error: `must be one of ${values.map((value) => JSON.stringify(value)).join(', ')}` });
const name = textOf(200);
const taskType = oneOf(taskTypes);
const dateForms = dayOrders.flatMap((order) => ['-', '/', '.'].map((sign) => order.replaceAll('-', sign)));
const zoneMessage = 'must be an IANA time zone such as "Europe/Amsterdam"';
const headerRowMessage = 'must be a line or row, counted from 1';

const format = z.strictObject(
  {
    delimiter: oneOf(delimiters).optional(),
    encoding: oneOf(encodings).optional(),
    decimal: oneOf(['.', ',']).optional(),
    date: oneOf(dateForms)
      .transform((form) => form.replaceAll(/[/.]/g, '-') as DayOrder)
      .optional(),
    time_zone: z.string({ error: zoneMessage }).refine(isTimeZone, { error: zoneMessage }).optional(),
    sheet: textOf(31).optional(),
    header_row: z.int({ error: headerRowMessage }).min(1, { error: headerRowMessage }).max(1000).optional(),
  },
  { error },
);

const columnMessage = "must be a column's header, or its place counted from 1";
const column = z.union([textOf(200, columnMessage), z.int().min(1).max(1000)], { error: columnMessage }).optional();
const columnsOf = <Field extends string>(fields: readonly Field[]) =>
  z.strictObject(Object.fromEntries(fields.map((field) => [field, column])) as Record<Field, typeof column>, { error });

const saidError = 'must be a text, or { "label": … } with the text beside which the file says it';
const saidOr = (value: z.ZodType<string>) =>
  z
    .union([z.strictObject({ label: name }), value.transform((text) => ({ value: text }))], { error: saidError })
    .optional();
const accountError = 'must be the account, or { "value": …, "label": … } with the text beside which the file says it';
const accountName = name.refine((text) => text !== '?');
const account = z
  .union(
    [
      z.strictObject({ value: accountName, label: name }),
      accountName.transform((value) => ({ value, label: undefined })),
    ],
    {
      error: accountError,
    },
  )
  .optional();
const checkedText = (isValid: (text: string) => boolean) => z.string().refine(isValid);

const schema = z.strictObject(
  {
    version: versionName,
    source: textOf(10_000, 'must be a text that says which file the layout is for'),
    format: format.optional(),
    invoice: z
      .strictObject(
        {
          number: saidOr(name),
          issue_date: saidOr(calendarDate),
          currency: saidOr(checkedText(isCurrency)),
          period: saidOr(checkedText(isPeriod)),
          account,
          credit_note: z.boolean({ error: 'must be true or false' }).optional(),
        },
        { error },
      )
      .optional(),
    columns: columnsOf(invoiceFields).optional(),
    lines: z
      .array(
        z.strictObject(
          {
            description: textOf(500, 'must be a text with * for any other text'),
            file_level: name.optional(),
            kind: oneOf(rowKinds),
            task_type: taskType.optional(),
            level: textOf(100).nullable().optional(),
          },
          { error },
        ),
        { error: 'must be a list of rules' },
      )
      .max(10_000)
      .optional(),
    usage: z
      .strictObject(
        {
          format: format.optional(),
          columns: columnsOf(usageFields).optional(),
          task_types: z.record(name, taskType, { error }).optional(),
          levels: z.record(name, textOf(100).nullable(), { error }).optional(),
        },
        { error },
      )
      .optional(),
  },
  { error },
);
type Raw = z.output<typeof schema>;

const formatOf = (raw: Raw['format'] = {}): FileFormat => ({
  delimiter: raw.delimiter,
  encoding: raw.encoding,
  decimal: raw.decimal,
  date: raw.date,
  timeZone: raw.time_zone,
  sheet: raw.sheet,
  headerRow: raw.header_row,
});

const dataFormat: Format<Raw, Layout> = {
  schema,
  relations: layoutProblems,
  content: ({ version, source, format, invoice, columns, lines = [], usage }) => ({
    version,
    source,
    format: formatOf(format),
    invoice: {
      number: invoice?.number,
      issueDate: invoice?.issue_date,
      currency: invoice?.currency,
      period: invoice?.period,
      account: invoice?.account,
      isCreditNote: invoice?.credit_note ?? false,
    },
    columns: columns ?? {},
    lines: lines.map((rule) => ({
      description: rule.description,
      fileLevel: rule.file_level,
      kind: rule.kind,
      taskType: rule.task_type,
      level: rule.level,
    })),
    usage: {
      format: formatOf(usage?.format),
      columns: usage?.columns ?? {},
      taskTypes: usage?.task_types ?? {},
      levels: usage?.levels ?? {},
    },
  }),
};

/**
 * Reads a layout. The format: docs/vendor-invoices.md.
 *
 * @throws LedgerError `data_file_invalid` with every problem and its line.
 */
export const readLayout = (path: string): DataFile<Layout> => parseLayout(readBytes(path), path);

/**
 * Reads a layout from its bytes, such as the copy that is kept in the database.
 *
 * @param name what messages call it: its path, or the name of the copy.
 * @throws LedgerError `data_file_invalid` with every problem and its line.
 */
export const parseLayout = (bytes: Buffer, name: string): DataFile<Layout> => parseDataFile(bytes, name, dataFormat);
