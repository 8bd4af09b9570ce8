import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LedgerError } from '../errors.ts';

/** The address of Redis, as `REDIS_URL` gives it. */
export type RedisAddress = {
  /** One server, the nodes of a Redis Cluster, or the Sentinels that know the master. */
  readonly kind: 'single' | 'cluster' | 'sentinel';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The Sentinels' name for the master. */
  readonly masterName: string | undefined;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** `undefined` = no TLS. Without `ca`, Node's own certificate authorities apply. */
  readonly tls: { readonly ca?: string } | undefined;
};

const kinds = { '': 'single', '+cluster': 'cluster', '+sentinel': 'sentinel' } as const;
const defaultPorts = { single: 6379, cluster: 6379, sentinel: 26379 } as const;
const parameters = ['sslrootcert', 'sentinel_user', 'sentinel_password'];

/** Scheme, suffix, credentials, hosts, path, query. Node's URL does not support several hosts. */
const pattern = /^redis(s?)(\+cluster|\+sentinel)?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(\/[^?#]*)?(?:\?([^#]*))?$/i;
const hostPattern = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?$/i;
const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Reads `REDIS_URL`, and the file of its certificate authority if it names one.
 *
 * @example
 * parseRedisUrl('rediss+sentinel://user:secret@s1:26379,s2,s3/mymaster/0?sslrootcert=/etc/ssl/redis-ca.pem');
 * @throws LedgerError `config_invalid`; its message follows the variable's name and quotes nothing of the URL.
 */
export function parseRedisUrl(url: string): RedisAddress {
  const [, secure = '', suffix = '', credentials = '', hosts = '', path = '', query = ''] = pattern.exec(url) ?? [];
  if (hosts === '')
    throw invalid(
      'must be a URL that starts with redis:// or rediss://, redis+cluster:// or redis+sentinel:// (special characters in a password are written as %40 and the like)',
    );
  const kind = kinds[suffix.toLowerCase() as keyof typeof kinds];
  const nodes = hosts.split(',').map((host) => parseHost(host, defaultPorts[kind]));
  if (kind === 'single' && nodes.length > 1)
    throw invalid('names several servers: start it with redis+cluster:// or redis+sentinel://');
  const options = new URLSearchParams(query);
  const unknown = [...options.keys()].find((name) => !parameters.includes(name));
  if (unknown !== undefined) throw invalid(`has a parameter that is not one of ${parameters.join(', ')}`);
  const [username, password] = parseCredentials(credentials);
  return {
    ...parsePath(kind, path),
    kind,
    nodes,
    username,
    password,
    sentinelUsername: options.get('sentinel_user') ?? undefined,
    sentinelPassword: options.get('sentinel_password') ?? undefined,
    tls: parseTls(secure !== '', options.get('sslrootcert')),
  };
}

/** What is wrong with `REDIS_URL`, to follow its name; `undefined` = nothing. */
export function redisUrlProblem(url: string): string | undefined {
  try {
    parseRedisUrl(url);
    return undefined;
  } catch (error) {
    if (error instanceof LedgerError) return error.message;
    throw error;
  }
}

const invalid = (message: string): LedgerError => new LedgerError('config_invalid', message);

function parseHost(text: string, defaultPort: number): { host: string; port: number } {
  const [, host = '', digits] = hostPattern.exec(text.trim()) ?? [];
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === '' || port < 1 || port > 65_535) throw invalid('names a host that is not host or host:port');
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function parseCredentials(text: string): [string | undefined, string | undefined] {
  const colon = text.indexOf(':');
  const parts = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1)];
  try {
    const [username, password] = parts.map((part) => decodeURIComponent(part) || undefined);
    return [username, password];
  } catch {
    throw invalid('has a user or password with a % that begins no code: write % as %25');
  }
}

function parsePath(kind: RedisAddress['kind'], path: string): { database: number; masterName: string | undefined } {
  const parts = path.split('/').filter((part) => part !== '');
  const masterName = kind === 'sentinel' ? parts.shift() : undefined;
  if (kind === 'sentinel' && masterName === undefined)
    throw invalid("must name the Sentinels' master after the hosts, such as redis+sentinel://s1,s2,s3/mymaster");
  const [database = '0', ...rest] = parts;
  if (!/^\d{1,5}$/.test(database) || rest.length > 0) throw invalid('must end in the number of a database, such as /0');
  if (kind === 'cluster' && Number(database) !== 0) throw invalid('names a database, but a Redis Cluster has only 0');
  return { database: Number(database), masterName: masterName && decodeURIComponent(masterName) };
}

function parseTls(isSecure: boolean, caFile: string | null): { ca?: string } | undefined {
  if (!isSecure) {
    if (caFile !== null) throw invalid('has sslrootcert without TLS: start it with rediss');
    return undefined;
  }
  return caFile === null ? {} : { ca: readCa(caFile) };
}

function readCa(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new LedgerError('config_invalid', `names an sslrootcert that cannot be read (${code})`, { cause });
  }
  const certificates = text.match(certificatePattern) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (cause) {
    throw new LedgerError('config_invalid', 'names an sslrootcert with a certificate that is damaged', { cause });
  }
  if (certificates.length === 0) throw invalid('names an sslrootcert that holds no certificate in PEM form');
  return text;
}
