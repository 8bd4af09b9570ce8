import { isAllowedBaseUrl } from '../config/urls.ts';
import { LedgerError } from '../errors.ts';

/** The ID of a transaction and, if a path needs it, of its result. */
export type Ids = { readonly transactionId: string; readonly resultId?: string };

const maxIdLength = 128;
const maxFileUrlLength = 8_192;

/**
 * The base URL with the trailing slash that relative paths need: `…/v1` and `…/v1/` are the same.
 *
 * @throws LedgerError `config_invalid` for a URL that {@link isAllowedBaseUrl} refuses.
 */
export function toBaseUrl(url: URL): URL {
  if (!isAllowedBaseUrl(url))
    throw new LedgerError('config_invalid', 'The API base URL is refused.', {
      hint: 'Use an https URL without credentials, query and fragment; plain http is accepted for loopback addresses alone.',
    });
  const base = new URL(url.origin);
  base.pathname = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  return base;
}

/**
 * Fills `{transactionId}` and `{resultId}` into a path relative to the base URL, percent-encoded.
 *
 * @throws LedgerError `input_invalid` for an ID that cannot be one path segment (`..` would lead to another path),
 * `config_invalid` if the template leads away from the API's origin.
 */
export function apiUrl(base: URL, template: string, ids: Ids): URL {
  const { transactionId, resultId = '' } = ids;
  checkId(transactionId);
  if (ids.resultId !== undefined) checkId(resultId);
  const path = template.replace(/\{(transactionId|resultId)\}/g, (_, name) =>
    encodeURIComponent(name === 'resultId' ? resultId : transactionId),
  );
  const url = URL.parse(path, base.href);
  if (url === null || !isOnOrigin(url, base) || /[{}]/.test(path)) throw templateRefused();
  url.hash = '';
  return url;
}

/**
 * Checks the path template of audit reports once, at start. The vendor's path is UNKNOWN, so it is configuration.
 *
 * @throws LedgerError `config_invalid` for a path off the API's origin, an unknown placeholder, or no placeholder.
 */
export function checkAuditReportPath(base: URL, template: string): void {
  if (!/\{(transactionId|resultId)\}/.test(template)) throw templateRefused();
  apiUrl(base, template, { transactionId: 'transaction', resultId: 'result' });
}

/**
 * Reads a file's URL from the vendor. The returned URL is the one that is requested, so no second parser can disagree.
 *
 * Only the origin (scheme, host, port) must be the API's; the path may lie outside the base path. A token is sent to a
 * server, not to a path, so the origin is what protects it. That files lie below the base path is only INF: requiring
 * it would protect nothing, but lose every document if the API served them from a sibling path.
 *
 * @throws LedgerError `vendor_url_refused` for any other URL. The URL contains a token of its own and is never
 * repeated.
 */
export function fileUrl(base: URL, given: string): URL {
  const url = isPlain(given) ? URL.parse(given) : null;
  if (url === null || !isOnOrigin(url, base))
    throw new LedgerError(
      'vendor_url_refused',
      'The vendor offers a file at an address outside of the configured API.',
      {
        hint: 'The token is sent to the configured API origin only. Compare IDSCAN_BASE_URL with what the vendor serves.',
      },
    );
  url.hash = '';
  return url;
}

/**
 * Absolute, and without anything that URL parsers read differently: controls, spaces, backslashes, an `@` in the host.
 */
function isPlain(given: string): boolean {
  const isShort = given.length <= maxFileUrlLength;
  return isShort && !/[\p{C}\s\\]/u.test(given) && /^https?:\/\/[^/?#@]+([/?#]|$)/i.test(given);
}

function isOnOrigin(url: URL, base: URL): boolean {
  return url.origin === base.origin && url.username === '' && url.password === '';
}

function checkId(id: string): void {
  const isSegment = id !== '' && id.length <= maxIdLength && id !== '.' && id !== '..';
  if (!isSegment || /\p{C}/u.test(id)) throw new LedgerError('input_invalid', 'This cannot be an ID of the vendor.');
}

function templateRefused(): LedgerError {
  return new LedgerError('config_invalid', 'The path of the audit report is refused.', {
    hint: 'It is relative to the API base URL and holds {transactionId} or {resultId} or both.',
  });
}
