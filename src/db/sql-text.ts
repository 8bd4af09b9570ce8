import pg from 'pg';

/** A value inside of SQL text, for statements that take no parameters. */
export const literal = (value: string | null): string => (value === null ? 'null' : pg.escapeLiteral(value));
export const instant = (value: Date): string => `${literal(value.toISOString())}::timestamptz`;
