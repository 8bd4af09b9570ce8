import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { readDatabaseUrl } from './database-url.ts';
import { redisUrlProblem } from './redis-address.ts';
import { parseServers, type Purpose } from './postgres-address.ts';
import { parseS3Url, type S3Address } from './s3-address.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const yesOrNo = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');

export const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

export const redisUrl = z.string().superRefine((text, context) => {
  const message = redisUrlProblem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
/** A place in an S3-compatible store. */
export const s3Url = z.string().transform((text, context) => {
  const found = parseS3Url(text);
  if (!Array.isArray(found)) return found as S3Address;
  for (const message of found as readonly string[]) context.addIssue({ code: 'custom', message });
  return z.NEVER;
});
/** One Postgres server, or several of one cluster. */
export const servers = (purpose: Purpose) =>
  z.string().superRefine((text, context) => {
    const found = parseServers(text, purpose);
    const problems = typeof found === 'string' ? [found] : readDatabaseUrl(text).problems;
    for (const message of problems) context.addIssue({ code: 'custom', message });
  });

/**
 * A secret from its variable, or from the file that `…_FILE` names (for mounted secrets). A final line break is
 * removed.
 */
export function secret(given: Environment, name: string, isRequired: boolean, problems: string[]): string | undefined {
  const direct = given[name];
  const file = given[`${name}_FILE`];
  if (direct !== undefined && file !== undefined) problems.push(`${name} and ${name}_FILE are both set: set one`);
  if (direct !== undefined) return direct;
  if (file === undefined) {
    if (isRequired) problems.push(`${name} is not set (nor is ${name}_FILE)`);
    return undefined;
  }
  try {
    const text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    if (text === '') problems.push(`${name}_FILE names an empty file`);
    return text;
  } catch (cause) {
    problems.push(
      `${name}_FILE names a file that cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
    );
    return undefined;
  }
}
