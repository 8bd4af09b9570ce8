import { z } from 'zod';
import type { Role } from '../../config/config.ts';
import type { ErrorCode } from '../../errors.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export type Parameter = {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly description: string;
  readonly schema: JsonSchema;
  readonly example?: string;
};

/** The bodies of one media type. */
export type Content = { readonly schema: JsonSchema; readonly examples?: Readonly<Record<string, unknown>> };

export type Answer = {
  readonly description: string;
  readonly content?: Readonly<Record<string, Content>>;
  readonly headers?: Readonly<Record<string, { readonly description: string; readonly schema: JsonSchema }>>;
};

/** How a caller shows who it is; `secret` = by the header of the vendor's events. */
type Means = 'none' | 'bearer' | 'bearer or session' | 'secret' | 'token in the body';

/**
 * A route for programs: what a caller has to know of it. The route takes its roles, limits and schemas from here, so
 * that the description is what is checked.
 */
export type Operation = {
  readonly id: string;
  readonly method: 'get' | 'post';
  /** With parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly description?: string;
  readonly means: Means;
  /** Any of these; empty = everybody who has the means. */
  readonly roles: readonly Role[];
  readonly parameters?: readonly Parameter[];
  readonly body?: Content & { readonly maxBytes: number };
  /** What it answers where nothing failed, by status. */
  readonly answers: Readonly<Record<number, Answer>>;
  /** Errors of its own; those of every route are added. */
  readonly problems?: Readonly<Partial<Record<ErrorCode, true | OwnProblem>>>;
};

/** `with`: what such an answer has besides a problem. `status`: another one than the code's. */
type OwnProblem = { readonly with: JsonSchema; readonly status?: number };

/** The JSON schema of what a route reads or answers. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return { ...z.toJSONSchema(schema, { io }), $schema: undefined };
}

/** The path of an operation as the server writes it. */
export const routeOf = ({ path }: Pick<Operation, 'path'>): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

export const json = (content: Content): Readonly<Record<string, Content>> => ({ 'application/json': content });

/** A query or path parameter that is a month. */
export const periodParameter: Parameter = {
  name: 'period',
  in: 'path',
  description: 'A month that the books know.',
  schema: { type: 'string', pattern: '^2\\d{3}-(0[1-9]|1[0-2])$' },
  example: '2026-10',
};
