import { createHash } from 'node:crypto';

/** The month of everything measured. It ended long enough ago that completed transactions are settled. */
export const benchMonth = '2026-10';

const uuid = (text: string): string => {
  const hex = createHash('md5').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
};

/** Transaction IDs by number. They are the same in every run, and in no order that favours an index. */
export const transactionIdOf = (index: number): string => uuid(`transaction ${index}`);
export const resultIdOf = (index: number): string => uuid(`result ${index}`);

/** The same IDs as SQL, for tables that Postgres fills itself. */
export const transactionIdSql = (index: string): string => `md5('transaction ' || ${index})::uuid::text`;
export const resultIdSql = (index: string): string => `md5('result ' || ${index})::uuid::text`;
