/** Which of several servers is wanted, in libpq's words. */
export type SessionTarget = 'any' | 'read-write' | 'primary' | 'standby';

/** One server: a URL that names only it, and its name. */
export type Address = { readonly url: string; readonly name: string };

/** The servers that a URL names, in the order in which they are tried. */
export type ServerList = { readonly addresses: readonly [Address, ...Address[]]; readonly target: SessionTarget };

/** What a URL is for: `DATABASE_URL` for writing, `DATABASE_READ_URL` only for reading. */
export type Purpose = 'writing' | 'reading';

const targets: Record<Purpose, readonly SessionTarget[]> = {
  writing: ['read-write', 'primary', 'any'],
  reading: ['any', 'standby'],
};

/** With more servers it would take minutes to find that a cluster is down. */
const mostServers = 8;

const malformed =
  'must be a URL that starts with postgres:// or postgresql:// (special characters in a password are written as %40 and the like)';

/**
 * Reads `postgres://user:password@first:5432,second:5433/database?target_session_attrs=read-write`: several servers as
 * in libpq, which the driver does not support.
 *
 * @returns the servers, or what is wrong with the URL, without repeating any of it.
 */
export function parseServers(text: string, purpose: Purpose): ServerList | string {
  const parts = /^(postgres(?:ql)?:\/\/)([^/?#]*)(.*)$/is.exec(text);
  if (!parts) return malformed;
  const [, scheme = '', authority = '', rest = ''] = parts;
  const at = authority.lastIndexOf('@') + 1;
  const hosts = authority.slice(at).split(',');
  if (hosts.length > mostServers) return `must name at most ${mostServers} servers`;
  if (hosts.length > 1 && hosts.some((host) => !/^(\[[\da-f:.]+\]|[^:[\]\s]+)(:\d{1,5})?$/i.test(host)))
    return 'must name each server as host or host:port, separated by commas';
  const urls = hosts.map((host) => `${scheme}${authority.slice(0, at)}${host}${rest}`);
  if (!urls.every((url) => URL.canParse(url))) return malformed;
  const [first, ...others] = urls.map((url) => ({ url, name: nameOf(new URL(url)) }));
  if (!first) return malformed;
  const { searchParams } = new URL(first.url);
  if (['host', 'port'].some((name) => searchParams.get(name)?.includes(',')))
    return 'must name several servers before the database, as host:port,host:port';
  const asked = searchParams.get('target_session_attrs') ?? targets[purpose][0];
  const target = targets[purpose].find((one) => one === asked);
  if (!target) return `must have one of ${targets[purpose].join(', ')} as target_session_attrs`;
  return { addresses: [first, ...others], target };
}

function nameOf({ hostname, port, searchParams }: URL): string {
  const host = searchParams.get('host') ?? hostname;
  return host.startsWith('/') ? host : `${host}:${searchParams.get('port') ?? (port || '5432')}`;
}
