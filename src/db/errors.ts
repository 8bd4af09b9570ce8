import { errorCode, type ErrorCode, LedgerError } from '../errors.ts';
import { whyUnreachable } from '../unreachable.ts';

/** What a server says that became a standby, or was made read-only, while we were connected to it. */
const readOnlyTransaction = '25006';

/** Whether Postgres, not the query, is the reason of a failure: it may work later. */
export function isConnectionFailure(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === readOnlyTransaction || errorCode(error) === 'database_unavailable') return true;
  if (typeof code === 'string' && /^(08|57P|53|28|3D000)/.test(code)) return true;
  if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_)/.test(code))
    return true;
  return (
    typeof message === 'string' &&
    /connection terminated|connection timeout|timeout exceeded|timeout expired|read timeout|client has encountered/i.test(
      message,
    )
  );
}

/** Whether others were in the way: a lock that was not to be had in time, a deadlock, a statement that took too long. */
export function isInTheWay(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '55P03' || code === '57014' || code === '40P01' || code === '40001';
}

const awayCodes: readonly ErrorCode[] = ['database_unavailable', 'database_forbidden', 'database_misconfigured'];

/**
 * Whether a failure says that Postgres cannot be worked with now, by us or at all. It says nothing about the work, which
 * waits until somebody has seen to it.
 */
export const isDatabaseAway = (error: unknown): boolean => awayCodes.includes(errorCode(asDatabaseError(error)));

/** Whether a failure would have met every statement alike, and not just one that others were in the way of. */
export function meetsAll(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return isDatabaseAway(error) && !isInTheWay(error) && !isInTheWay(cause ?? {});
}

/** A failure of Postgres itself as one of ours, with what to do about it; other errors are returned as they are. */
export function asDatabaseError(error: unknown): Error {
  if (error instanceof LedgerError) return error;
  return asSaid(
    error,
    isInTheWay(error) ? inTheWay : (ofState(error) ?? (isConnectionFailure(error) ? ofSilence(error) : undefined)),
  );
}

/** A failure to connect as one of ours. What TLS fails of has codes that others' connections have, too: so only here. */
export const asConnectError = (error: unknown): Error =>
  error instanceof LedgerError ? error : asSaid(error, ofTls(error));

function asSaid(error: unknown, said: Said | undefined): Error {
  if (!said) return error instanceof Error ? error : new Error(String(error));
  const { code, message, hint } = said;
  return new LedgerError(code, message, { hint, cause: error });
}

type Said = { readonly code: ErrorCode; readonly message: string; readonly hint: string };

const inTheWay: Said = {
  code: 'database_unavailable',
  message: 'Postgres was kept from doing it in time, by other work.',
  hint: 'Nothing was lost: workers try again by themselves. Run a command again; if it stays so, look for what holds locks (pg_stat_activity).',
};

const silence: Said = {
  code: 'database_unavailable',
  message: 'Postgres does not answer.',
  hint: 'Check DATABASE_URL (address, user, password, database) and that the server runs. Nothing was lost: what was committed stays, the rest is retried.',
};

function ofSilence(error: unknown): Said {
  const why = whyUnreachable(error);
  return why === undefined ? silence : { ...silence, message: `Postgres does not answer: ${why}.` };
}

/** Refusals by SQLSTATE. Postgres' own words name a role, a database, a table or an address, never a password. */
function ofState(error: unknown): Said | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  const words = String(message);
  const refused = (hint: string): Said => ({
    code: 'database_unavailable',
    message: `Postgres refuses the connection (${words}).`,
    hint,
  });
  if (code === '42501')
    return {
      code: 'database_forbidden',
      message: `Postgres does not let this role do it (${words}).`,
      hint: 'Run ops/postgres-roles.sql as the owner of the schema, after every migration. Migrations themselves run as the owner.',
    };
  if (code === '3F000')
    return {
      code: 'database_misconfigured',
      message: `There is no schema for the books that this role may use (${words}).`,
      hint: 'Run migrate up and ops/postgres-roles.sql as the owner; both roles need the same search_path.',
    };
  if (code === '3D000') return refused('Create the database as an administrator, or correct its name in DATABASE_URL.');
  if (code === '28P01' || code === '28000')
    return refused(
      'Check user and password in DATABASE_URL, that the role may log in, and pg_hba.conf; a server that wants TLS wants sslmode=verify-full in DATABASE_URL.',
    );
  if (code === '53300')
    return refused(
      'Raise max_connections or the limit of the role or database, or run fewer processes: docs/deployment.md says how many connections each holds.',
    );
  if (code === readOnlyTransaction)
    return {
      code: 'database_unavailable',
      message: `Postgres takes no writes any more: it was demoted or made read-only (${words}).`,
      hint: 'Nothing was lost: what was committed stays, the rest is retried once a primary is there. Name all servers of a cluster in DATABASE_URL.',
    };
  if (code === '53100')
    return {
      code: 'database_unavailable',
      message: `Postgres has no room left on its disk (${words}).`,
      hint: 'Make room there. Nothing was lost: what was committed stays, the rest is retried.',
    };
  return undefined;
}

const untrusted =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_UNTRUSTED|CERT_REJECTED|CERT_SIGNATURE_FAILURE|CERT_CHAIN_TOO_LONG|INVALID_CA|INVALID_PURPOSE|CERT_REVOKED)/;

/** What the handshake failed of. Certificates and hosts are named by no more than a code. */
function ofTls(error: unknown): Said | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const said = (text: string, hint: string): Said => ({ code: 'database_misconfigured', message: text, hint });
  if (message === 'The server does not support SSL connections')
    return said(
      'Postgres offers no TLS, and DATABASE_URL asks for it.',
      'Switch TLS on in the server (ssl = on). Only where nobody can listen in: sslmode=disable.',
    );
  if (message === 'There was an error establishing an SSL connection')
    return { ...silence, message: 'What answers at the address of DATABASE_URL cannot begin TLS, or is no Postgres.' };
  if (typeof code !== 'string') return undefined;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return said(
      `The certificate of Postgres is for another name than the host in DATABASE_URL (${code}).`,
      'Write the host as the certificate names it, or give the server a certificate for this name.',
    );
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return said(
      `The certificate of Postgres is ${code === 'CERT_HAS_EXPIRED' ? 'expired' : 'not valid yet'} (${code}).`,
      'Renew it on the server and reload it there. Or correct the clock of this machine.',
    );
  if (untrusted.test(code))
    return said(
      `The certificate of Postgres is by no authority that is trusted here (${code}).`,
      'Name the authority of your server in DATABASE_URL: sslrootcert=/path/ca.pem.',
    );
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$|ERR_OSSL_)/.test(code))
    return said(
      `TLS with Postgres cannot be agreed (${code}).`,
      "Compare versions and ciphers, and whether the server wants a client's certificate (sslcert and sslkey in DATABASE_URL).",
    );
  return undefined;
}
