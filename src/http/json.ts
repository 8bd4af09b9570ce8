import type { FastifyInstance } from 'fastify';

/** Accepts JSON, under any of its media types, and nothing else, in this scope. */
export function acceptJson(scope: FastifyInstance): void {
  // Keys such as __proto__ are refused instead of dropped.
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.addContentTypeParser(/^(application|text)\/([\w.+-]+\+)?json\s*(;|$)/i, { parseAs: 'string' }, parse);
}
