import type { FastifyInstance } from 'fastify';

/** Accepts JSON, whichever of its media types it is announced as, and nothing else, in this scope. */
export function acceptJson(scope: FastifyInstance): void {
  // Names such as __proto__ are refused rather than dropped.
  const parse = scope.getDefaultJsonParser('error', 'error');
  scope.addContentTypeParser(/^(application|text)\/([\w.+-]+\+)?json\s*(;|$)/i, { parseAs: 'string' }, parse);
}
