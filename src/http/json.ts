import type { FastifyInstance } from 'fastify';

/** Accepts JSON, under any of its media types, and nothing else, in this scope. */
export function acceptJson(scope: FastifyInstance): void {
  // Keys such as __proto__ are refused instead of dropped.
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.addContentTypeParser(/^(application|text)\/([\w.+-]+\+)?json\s*(;|$)/i, { parseAs: 'string' }, parse);
}

/**
 * Accepts JSON that a page sends as text, in this scope. Browsers send text to another origin without asking first, which
 * a page that is being left has no time for.
 */
export function acceptJsonAsText(scope: FastifyInstance): void {
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.addContentTypeParser(/^text\/plain\s*(;|$)/i, { parseAs: 'string' }, parse);
}
