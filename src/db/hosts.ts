import pg from 'pg';
import { LedgerError } from '../errors.ts';
import type { Address, ServerList, SessionTarget } from '../config/postgres-address.ts';
import { isConnectionFailure } from './errors.ts';
import { limitDedicated, type DedicatedConnection } from './dedicated.ts';

/** The part of a pool that is used. */
export type Connections = Pick<pg.Pool, 'options' | 'connect' | 'end'>;

/** The servers that one URL names, behind one pool. */
export type Servers = {
  readonly pool: Connections;
  /** Opens a connection outside the pool. The caller ends it. */
  readonly connect: () => Promise<DedicatedConnection>;
  /** Whether the connection opened last goes to the server itself rather than through a pooler. */
  readonly isDirect: () => boolean;
};

export type ServersInput = ServerList & {
  /** The variable that names the servers, for messages. */
  readonly variable: string;
  readonly connection: Omit<pg.ClientConfig, 'connectionString' | 'connectionTimeoutMillis'>;
  readonly maxConnections: number;
  readonly maxDedicated: number;
  readonly queryTimeoutMs: number;
  /** Settings of a pooled connection, and of one outside the pool, as SQL. */
  readonly poolSettings: string;
  readonly dedicatedSettings: string;
  /** How long to wait for a server. */
  readonly connectTimeoutMs: number;
  /** How long to wait for a free connection of the pool, and for one of those outside to end. */
  readonly freeConnectionTimeoutMs: number;
  readonly freeDedicatedTimeoutMs: number;
  readonly onError: (error: Error) => void;
  /** Checks each new connection before its first use, and throws to reject it. */
  readonly examine?: ((client: pg.ClientBase) => Promise<void>) | undefined;
};

/** With several servers, how long to wait for one before trying the next: a dead machine does not answer at all. */
const nextServerMs = 3_000;

/**
 * How long to assume that none of several servers is usable. Otherwise everything a worker does would try them all
 * again. A standby costs the most: it completes TLS and login before it turns out to be a standby.
 */
const believedMs = 1_000;

type Role = { readonly in_recovery: boolean; readonly read_only: boolean; readonly pid: number };

const askRole = `
  select pg_is_in_recovery() as in_recovery, current_setting('transaction_read_only') = 'on' as read_only,
    pg_backend_pid() as pid`;

/**
 * Connects to the server used last, else to the first server in the URL's order that answers and has the requested
 * role. For writing that is the primary, which is found again after a failover. Each server has its own pool, so that
 * no connection to an abandoned server is handed out.
 */
export function openServers(input: ServersInput): Servers {
  const { addresses, connection, connectTimeoutMs, examine, onError } = input;
  const { maxDedicated, freeDedicatedTimeoutMs, dedicatedSettings } = input;
  // Instants are sent in UTC. In the zone of the process (TZ) their offset may be one that Postgres does not take.
  pg.defaults.parseInputDatesAsUTC = true;
  const oneTimeoutMs = addresses.length > 1 ? Math.min(nextServerMs, connectTimeoutMs) : connectTimeoutMs;
  const state: State = { preferred: 0, isDirect: true, noneSince: undefined };
  const prepare = async (client: pg.ClientBase, settings: string, target: SessionTarget): Promise<void> => {
    // The time limit covers a server that accepts the connection and then falls silent, and a pooler without a free
    // server.
    const query = { text: `${settings}${askRole}`, query_timeout: connectTimeoutMs };
    const answer = (await client.query(query)) as pg.QueryResult<Role> | pg.QueryResult<Role>[];
    const role = [answer].flat().at(-1)?.rows[0];
    if (role) expectRole(role, target, input.variable);
    // A pooler reports process IDs of its own.
    state.isDirect = role?.pid === (client as { processID?: number | null }).processID;
    await examine?.(client);
  };
  const newClient = ({ url }: Address, limits: pg.ClientConfig = {}): pg.Client => {
    const own = { connectionString: url, connectionTimeoutMillis: oneTimeoutMs };
    const client = new pg.Client({ ...connection, ...own, ...limits });
    client.on('error', onError);
    return client;
  };
  const pools = addresses.map((address) => poolOf(address, input, newClient, prepare));
  const open = () =>
    firstUsable(input, state, async (index, target) => {
      const client = newClient(addresses[index] ?? addresses[0]);
      try {
        await client.connect();
        await prepare(client, dedicatedSettings, target);
        return client;
      } catch (error) {
        client.end().catch(() => undefined);
        throw error;
      }
    });
  const [first] = pools;
  if (!first) throw new RangeError('no server');
  return {
    pool: {
      options: first.options,
      connect: () => firstUsable(input, state, (index) => (pools[index] ?? first).connect()),
      end: async () => {
        await Promise.all(pools.map((pool) => pool.end()));
      },
    },
    connect: limitDedicated(open, maxDedicated, freeDedicatedTimeoutMs),
    isDirect: () => state.isDirect,
  };
}

function poolOf(
  address: Address,
  { connection, freeConnectionTimeoutMs, queryTimeoutMs, maxConnections, poolSettings, target, onError }: ServersInput,
  newClient: (address: Address, limits: pg.ClientConfig) => pg.Client,
  prepare: (client: pg.ClientBase, settings: string, target: SessionTarget) => Promise<void>,
): pg.Pool {
  // pg calls this with `new`. The pool's own timeout is longer, because it covers the wait for a free connection too.
  const Client = function () {
    return newClient(address, { query_timeout: queryTimeoutMs });
  } as unknown as new () => pg.Client;
  const pool = new pg.Pool({
    ...connection,
    connectionString: address.url,
    Client,
    max: maxConnections,
    connectionTimeoutMillis: freeConnectionTimeoutMs,
    verify: (client, callback) => {
      prepare(client, poolSettings, target).then(() => callback(), callback);
    },
  });
  pool.on('error', onError);
  return pool;
}

/** How a server that answers differs from the requested role. */
type Unsuitable = 'standby' | 'read_only' | 'primary';

const unsuitableWords: Record<Unsuitable, string> = {
  standby: 'is a standby',
  read_only: 'is read-only',
  primary: 'is not a standby',
};

function expectRole({ in_recovery, read_only }: Role, target: SessionTarget, variable: string): void {
  const reason = unsuitability(target, in_recovery, read_only);
  if (reason)
    throw new LedgerError('database_unavailable', `The server in ${variable} ${unsuitableWords[reason]}.`, {
      fields: { unsuitable: reason },
      hint: 'Nothing was lost: what was committed stays, the rest is retried once a primary is there.',
    });
}

function unsuitability(target: SessionTarget, inRecovery: boolean, readOnly: boolean): Unsuitable | undefined {
  switch (target) {
    case 'any':
      return undefined;
    case 'read-write':
      return inRecovery ? 'standby' : readOnly ? 'read_only' : undefined;
    case 'primary':
      return inRecovery ? 'standby' : undefined;
    case 'standby':
      return inRecovery ? undefined : 'primary';
  }
}

/** How the server differs from the requested role, if that is what the error says. */
export function unsuitable(error: unknown): string | undefined {
  const reason = error instanceof LedgerError ? error.fields['unsuitable'] : undefined;
  return typeof reason === 'string' ? reason : undefined;
}

type State = {
  /** The server used last. */
  preferred: number;
  isDirect: boolean;
  /** Since when no server was usable, and why. */
  noneSince: { readonly atMs: number; readonly error: LedgerError } | undefined;
};

async function firstUsable<T>(
  { addresses, target, variable }: ServersInput,
  state: State,
  attempt: (index: number, target: SessionTarget) => Promise<T>,
): Promise<T> {
  const { noneSince } = state;
  if (noneSince && performance.now() - noneSince.atMs < believedMs) throw noneSince.error;
  const order = [...new Set([state.preferred, ...addresses.keys()])];
  const failures: string[] = [];
  let isAnyAway = false;
  let reason: string | undefined;
  let cause: unknown;
  for (const index of order)
    try {
      const found = await attempt(index, target);
      state.preferred = index;
      state.noneSince = undefined;
      return found;
    } catch (error) {
      if (addresses.length === 1 || !isWorthAnotherServer(error)) throw error;
      const why = unsuitable(error) as Unsuitable | undefined;
      failures.push(`${addresses[index]?.name ?? ''} ${why ? unsuitableWords[why] : 'does not answer'}`);
      isAnyAway ||= why === undefined;
      reason = why ?? reason;
      cause = error;
    }
  const error = new LedgerError(
    'database_unavailable',
    `None of the servers in ${variable} can be used: ${failures.join(', ')}.`,
    {
      ...(isAnyAway || reason === undefined ? {} : { fields: { unsuitable: reason } }),
      hint: 'Nothing was lost: what was committed stays, the rest is retried once a server can be used.',
      cause,
    },
  );
  state.noneSince = { atMs: performance.now(), error };
  throw error;
}

/** Another server has the same users and databases, so it would refuse too. A full pool does not mean a dead server. */
function isWorthAnotherServer(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && /^(28|3D)/.test(code)) return false;
  if (message === 'timeout exceeded when trying to connect') return false;
  return unsuitable(error) !== undefined || isConnectionFailure(error);
}
