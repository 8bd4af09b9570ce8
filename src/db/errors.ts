import { errorCode, type ErrorCode, LedgerError } from '../errors.ts';
import { whyUnreachable } from '../unreachable.ts';

/** Sent by a server that has become a standby or read-only since we connected. */
const readOnlyTransaction = '25006';

/** Whether a failure lies with Postgres or the connection rather than the query, so that a retry may succeed. */
export function isConnectionFailure(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (code === readOnlyTransaction || errorCode(error) === 'database_unavailable') return true;
  if (typeof code === 'string' && /^(08|57P|53|28|3D000)/.test(code)) return true;
  if (typeof code === 'string' && /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EHOSTUNREACH|ENETUNREACH|EAI_)/.test(code))
    return true;
  return (
    typeof message === 'string' &&
    /connection terminated|connection timeout|timeout exceeded|timeout expired|read timeout|client has encountered|client was closed|already been destroyed/i.test(
      message,
    )
  );
}

/** Whether other work caused the failure: a lock or statement timeout, a deadlock or a serialization failure. */
function isContention(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return isLockTimeout(error) || code === cancelled || isAborted(error);
}

const cancelled = '57014';

/** Whether a rule of ours in the database refused it. */
export const isRestricted = (error: unknown): error is Error => (error as { code?: unknown }).code === '23001';

/** Whether a statement waited for a lock for as long as it may (`lock_timeout`). */
export const isLockTimeout = (error: unknown): boolean => (error as { code?: unknown }).code === '55P03';

/** Whether Postgres aborted a statement for the sake of another one. It has changed nothing and can run again at once. */
export function isAborted(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === '40P01' || code === '40001';
}

const awayCodes: readonly ErrorCode[] = ['database_unavailable', 'database_forbidden', 'database_misconfigured'];

/**
 * Whether Postgres cannot be used now, by this role or by anyone. Such a failure is not the job's fault: the job waits
 * until Postgres can be used again.
 */
export const isDatabaseAway = (error: unknown): boolean => awayCodes.includes(errorCode(asDatabaseError(error)));

/** Whether every other statement would have failed too, rather than only this one, which met other work. */
export function meetsAll(error: unknown): boolean {
  const { cause } = error as { cause?: unknown };
  return isDatabaseAway(error) && !isContention(error) && !isContention(cause ?? {});
}

/** Converts a failure of Postgres into a {@link LedgerError} with a hint. Other errors are returned as they are. */
export function asDatabaseError(error: unknown): Error {
  if (error instanceof LedgerError) return error;
  return described(error, ofState(error) ?? (isConnectionFailure(error) ? ofNoAnswer(error) : undefined));
}

/** For a wait for one of several connections, all of which are in use. */
export const connectionsBusy = (): LedgerError => new LedgerError(busy.code, busy.message, { hint: busy.hint });

/**
 * Converts a failure to connect. Only here, because TLS errors have the same codes on connections to other services.
 */
export const asConnectError = (error: unknown): Error =>
  error instanceof LedgerError ? error : described(error, ofTls(error));

function described(error: unknown, description: Description | undefined): Error {
  if (!description) return error instanceof Error ? error : new Error(String(error));
  const { code, message, hint } = description;
  return new LedgerError(code, message, { hint, cause: error });
}

type Description = { readonly code: ErrorCode; readonly message: string; readonly hint: string };

const whoHoldsLocks =
  'Who: select pid, pg_blocking_pids(pid), state, xact_start, query from pg_stat_activity. Wait for that session or end it, and run the command again. Nothing was lost: workers try again by themselves.';

const locked: Description = {
  code: 'database_unavailable',
  message: 'Another session in Postgres holds a lock that this waited for in vain.',
  hint: whoHoldsLocks,
};

const busy: Description = {
  code: 'database_unavailable',
  message:
    'All connections to Postgres that this process may hold were busy: another session holds a lock, or Postgres is slow.',
  hint: whoHoldsLocks,
};

const aborted: Description = {
  code: 'database_unavailable',
  message: 'Other work in Postgres kept this from finishing.',
  hint: 'Nothing was lost: workers try again by themselves. Run a command again.',
};

const ended: Description = {
  code: 'database_unavailable',
  message: 'Postgres ended a statement: it took longer than it may (statement_timeout), or somebody cancelled it.',
  hint: 'Nothing was lost: workers try again by themselves. Run a command again; if that fails too, look in pg_stat_activity for what keeps Postgres busy.',
};

const noAnswer: Description = {
  code: 'database_unavailable',
  message: 'Postgres does not answer.',
  hint: 'Check DATABASE_URL (address, user, password, database) and that the server runs. Nothing was lost: what was committed stays, the rest is retried.',
};

function ofNoAnswer(error: unknown): Description {
  // The pool's words for a wait for one of its connections, all of which are in use.
  if ((error as { message?: unknown }).message === 'timeout exceeded when trying to connect') return busy;
  const why = whyUnreachable(error);
  return why === undefined ? noAnswer : { ...noAnswer, message: `Postgres does not answer: ${why}.` };
}

/** Describes refusals by SQLSTATE. Postgres' message names a role, database, table or address, never a password. */
function ofState(error: unknown): Description | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return undefined;
  if (isLockTimeout(error)) return locked;
  if (code === cancelled) return ended;
  if (isAborted(error)) return aborted;
  const words = String(message);
  const refused = (hint: string): Description => ({
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
      message: `Postgres no longer accepts writes: it was demoted or made read-only (${words}).`,
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

/** Describes a failed TLS handshake. Certificates and hosts are only described by an error code. */
function ofTls(error: unknown): Description | undefined {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const misconfigured = (text: string, hint: string): Description => ({
    code: 'database_misconfigured',
    message: text,
    hint,
  });
  if (message === 'The server does not support SSL connections')
    return misconfigured(
      'Postgres offers no TLS, and DATABASE_URL asks for it.',
      'Switch TLS on in the server (ssl = on). Use sslmode=disable only if nobody can listen in.',
    );
  if (message === 'There was an error establishing an SSL connection')
    return {
      ...noAnswer,
      message: 'The server at the address in DATABASE_URL cannot begin TLS, or it is not Postgres.',
    };
  if (typeof code !== 'string') return undefined;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return misconfigured(
      `The certificate of Postgres is for another name than the host in DATABASE_URL (${code}).`,
      'Write the host as the certificate names it, or give the server a certificate for this name.',
    );
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return misconfigured(
      `The certificate of Postgres is ${code === 'CERT_HAS_EXPIRED' ? 'expired' : 'not valid yet'} (${code}).`,
      'Renew it on the server and reload it there. Or correct the clock of this machine.',
    );
  if (untrusted.test(code))
    return misconfigured(
      `The certificate of Postgres is from an authority that is not trusted here (${code}).`,
      'Give the certificate of that authority in DATABASE_URL: sslrootcert=/path/ca.pem.',
    );
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$|ERR_OSSL_)/.test(code))
    return misconfigured(
      `The TLS handshake with Postgres failed (${code}).`,
      "Compare versions and ciphers, and whether the server wants a client's certificate (sslcert and sslkey in DATABASE_URL).",
    );
  return undefined;
}
