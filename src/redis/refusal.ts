import { LedgerError } from '../errors.ts';
import { whyUnreachable } from '../unreachable.ts';

/** Why a Redis that responds does not do what is asked, and what to do about it. */
export type Refusal = { readonly reason: string; readonly hint: string };

type Rule = readonly [said: RegExp, reason: string | ((match: RegExpExecArray) => string), hint: string];

const toTheMaster = 'Let REDIS_URL lead to the master; with Sentinels: redis+sentinel://s1,s2,s3/mymaster.';
const toTheCluster = 'Name the cluster: REDIS_URL=redis+cluster://host:port,host:port/.';
const itWaits = 'Look at the server; work goes on by itself once it takes writes again.';
const toTheAcl =
  'Give the user of REDIS_URL what docs/deployment.md says: ~<QUEUE_PREFIX>* &* +@all -@admin -@dangerous +info +client.';

/** The first match counts. The patterns are not anchored, because scripts of Redis 6.2 wrap the error. */
const rules: readonly Rule[] = [
  [/\bREADONLY\b/, 'it is a read-only replica', toTheMaster],
  [/\bMASTERDOWN\b/, 'it is a replica whose master is away', toTheMaster],
  [/\bUNBLOCKED\b/, 'it is no longer the master', toTheMaster],
  [/\b(MOVED|ASK) \d/, 'it is a node of a Redis Cluster that does not hold our keys', toTheCluster],
  [/\bCLUSTERDOWN\b/, 'its Redis Cluster is down, or serves not all slots', itWaits],
  [/cluster support disabled/i, 'it is not a Redis Cluster', 'Start REDIS_URL with redis:// or rediss://.'],
  [/Too many Cluster redirections/, 'its Redis Cluster sends us from node to node', itWaits],
  [/\bOOM\b/, 'its memory is full', 'Give it more memory (maxmemory). It must be noeviction all the same.'],
  [/\bWRONGPASS\b|invalid password/i, 'it refuses our user or password', 'Check user and password in REDIS_URL.'],
  [/\bNOAUTH\b/, 'it asks for a password', 'Write the password into REDIS_URL: redis://user:password@host:6379/0.'],
  [/permissions? to run the '([^']+)'/i, ([, name]) => `its ACL does not let us run ${name?.toUpperCase()}`, toTheAcl],
  [/can't run this command/i, 'its ACL does not let us run a command', toTheAcl],
  [/permissions? to access|can't access/i, 'its ACL does not let us use our keys', toTheAcl],
  [/\bNOPERM\b/, 'its ACL does not let us do what is needed', toTheAcl],
  [/DB index is out of range|invalid DB index/i, 'it has no database of that number', 'Correct the end of REDIS_URL.'],
  [/SELECT is not allowed in cluster mode/i, 'as a node of a Redis Cluster it has only database 0', toTheCluster],
  [/\bLOADING\b/, 'it is still loading its data', itWaits],
  [/\bMISCONF\b/, 'it cannot save its data to its disk', itWaits],
  [/\bNOREPLICAS\b/, 'it has fewer replicas than it must have to write', itWaits],
  [/max number of clients/i, 'it has as many clients as it may have', 'Raise its maxclients.'],
  [/\bBUSY\b/, 'it is busy with a script', itWaits],
  [
    /unknown (?:redis )?command '?(\w*)/i,
    ([, name]) => `it does not know ${name?.toUpperCase() || 'a command'}`,
    itWaits,
  ],
];

/** TLS errors by their codes. None of them passes by itself. */
const tlsCodes =
  /^(ERR_TLS|ERR_SSL|EPROTO|CERT_|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE)/;
const tlsHint =
  'Check that the server speaks TLS on this port, and name its certificate authority: rediss://…?sslrootcert=/path/ca.pem.';

/** Why Redis refuses; `undefined` = the error is not a refusal. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, lastNodeError } = error as { code?: unknown; lastNodeError?: unknown };
  if (typeof code === 'string' && tlsCodes.test(code))
    return { reason: `its TLS cannot be trusted or agreed on (${code})`, hint: tlsHint };
  for (const [said, reason, hint] of rules) {
    const match = said.exec(error.message);
    if (match) return { reason: typeof reason === 'string' ? reason : reason(match), hint };
  }
  if (error.name === 'ReplyError')
    return { reason: `it says ${error.message.split(' ')[0] ?? 'something else'}`, hint: itWaits };
  return refusalOf(lastNodeError ?? error.cause);
}

/** The error for Redis failing during work. Nothing is lost, because Postgres has everything that is due. */
export function asQueueError(cause?: unknown): LedgerError {
  const refusal = refusalOf(cause);
  return new LedgerError('queue_unavailable', refusal ? `Redis refuses commands: ${refusal.reason}.` : silent(cause), {
    hint: 'What is due stays in Postgres and is done once Redis is back.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Says that Redis does not answer, and why if the system knows. */
export function silent(cause: unknown): string {
  const why = whyUnreachable(cause);
  return `Redis does not answer${why === undefined ? '' : `: ${why}`}.`;
}

/** The error for a Redis that work cannot begin on, or that refused for too long. */
export const misconfigured = ({ reason, hint }: Refusal, cause?: unknown): LedgerError =>
  new LedgerError('queue_misconfigured', `Redis refuses commands: ${reason}.`, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
