import { type RawBuilder, sql } from 'kysely';

/** Columns of rows that are passed to Postgres as JSON, with their types. */
type Columns = Readonly<Record<string, string>>;

/** The SQL fragments for such columns, so that each column is named only once. */
export function recordset<C extends Columns>(columns: C) {
  const names = Object.keys(columns);
  const listed = (parts: readonly string[]): RawBuilder<unknown> => sql.raw(parts.join(', '));
  return {
    /** The rows as a table expression `j`. */
    of: (rows: readonly Readonly<Partial<Record<keyof C, unknown>>>[]): RawBuilder<unknown> =>
      sql`jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as j (${listed(names.map((name) => `${name} ${columns[name] ?? ''}`))})`,
    names: listed(names),
    /** The columns of `j`. */
    values: listed(names.map((name) => `j.${name}`)),
    /** For `on conflict … do update set`: all columns except these. */
    replaced: (...except: readonly (keyof C)[]): RawBuilder<unknown> =>
      listed(names.filter((name) => !except.includes(name)).map((name) => `${name} = excluded.${name}`)),
  };
}
