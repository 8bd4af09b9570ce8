import type { FastifyBodyParser, FastifyInstance, FastifyRequest } from 'fastify';
import { LedgerError } from '../errors.ts';
import { hasDuplicateKey, hasInexactNumber } from '../json.ts';

/** Accepts JSON, under any of its media types, and nothing else, in this scope. */
export function acceptJson(scope: FastifyInstance): void {
  accept(scope, /^(application|text)\/([\w.+-]+\+)?json\s*(;|$)/i);
}

/**
 * Accepts JSON that a page sends as text, in this scope. Browsers send text to another origin without asking first, which
 * a page that is being left has no time for.
 */
export function acceptJsonAsText(scope: FastifyInstance): void {
  accept(scope, /^text\/plain\s*(;|$)/i);
}

/** What cannot be read as it was meant is refused: other encodings, broken UTF-8, a key twice, too many digits. */
function accept(scope: FastifyInstance, mediaType: RegExp): void {
  // Keys such as __proto__ are refused instead of dropped.
  const parse = scope.getDefaultJsonParser('error', 'error');
  const strictly: FastifyBodyParser<Buffer> = (request, bytes, done) => {
    const text = isUtf8(request) ? textOf(bytes) : undefined;
    if (text === undefined) done(unreadable('media_type_refused', 'The body is not UTF-8 without compression.'));
    else
      void parse(request, text, (error, value) => {
        const problem = error === null ? problemOf(text) : 'has a key that is not accepted: __proto__ or constructor';
        if (problem === undefined) done(null, value);
        else done(unreadable('request_invalid', `The body ${isJson(text) ? problem : 'is not JSON'}.`));
      });
  };
  scope.addContentTypeParser(mediaType, { parseAs: 'buffer' }, strictly);
}

function problemOf(text: string): string | undefined {
  if (hasDuplicateKey(text)) return 'has the same key twice in one object';
  return hasInexactNumber(text) ? 'has a number with more digits than are read' : undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isUtf8({ headers }: FastifyRequest): boolean {
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  const encoding = headers['content-encoding'] ?? 'identity';
  return /^(utf-?8|us-ascii)$/i.test(charset) && /^identity$/i.test(encoding);
}

function textOf(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

const unreadable = (code: 'media_type_refused' | 'request_invalid', message: string): LedgerError =>
  new LedgerError(code, message, { hint: 'Nothing was done. Send JSON in UTF-8, each key once.' });
