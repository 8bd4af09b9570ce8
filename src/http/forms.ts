import type { FastifyInstance } from 'fastify';

export const maxFormBytes = 8 * 1_024;

/** Accepts forms without files, as browsers send them, in this scope. */
export function acceptForms(scope: FastifyInstance): void {
  scope.addContentTypeParser(
    /^application\/x-www-form-urlencoded\s*(;|$)/i,
    { parseAs: 'string' },
    (_request, text, parsed) => parsed(null, Object.fromEntries(new URLSearchParams(String(text)))),
  );
}

/** A field of a form or a query; empty if it is missing or repeated. */
export function field(fields: unknown, name: string): string {
  if (typeof fields !== 'object' || fields === null || !Object.hasOwn(fields, name)) return '';
  const value = (fields as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
}
