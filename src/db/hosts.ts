import pg from 'pg';
import { LedgerError } from '../errors.ts';
import type { Address, ServerList, SessionTarget } from '../config/postgres-address.ts';
import { isConnectionFailure } from './errors.ts';

/** What of a pool its users need. */
export type Connections = Pick<pg.Pool, 'options' | 'connect' | 'end'>;

/** The servers that one URL names, behind one pool. */
export type Servers = {
  readonly pool: Connections;
  /** A connection outside the pool. Whoever asks for it ends it. */
  readonly connect: () => Promise<pg.Client>;
  /** Whether the server that answered last did so itself, rather than a pooler for it. */
  readonly isDirect: () => boolean;
};

export type ServersInput = ServerList & {
  /** The variable that names them, for messages. */
  readonly variable: string;
  readonly connection: Omit<pg.ClientConfig, 'connectionString' | 'connectionTimeoutMillis'>;
  readonly maxConnections: number;
  readonly queryTimeoutMs: number;
  /** Settings of a connection of the pool, as SQL. Not as options of the connection, which poolers refuse. */
  readonly settings: string;
  /** How long is waited for a server, and for a connection of the pool to be free. */
  readonly connectTimeoutMs: number;
  readonly onError: (error: Error) => void;
  /** Looks at each new connection before it is used, and throws if it is not to be. */
  readonly examine?: ((client: pg.ClientBase) => Promise<void>) | undefined;
};

/** With several servers the next one is tried soon: a machine that is gone answers nothing at all. */
const nextServerMs = 3_000;

/**
 * How long it is believed that none of several servers can be used. All that a worker does meanwhile would ask each of
 * them again, and a standby that lets everybody in, with TLS and a password, only to be a standby still, costs the most.
 */
const believedMs = 1_000;

type Role = { readonly in_recovery: boolean; readonly read_only: boolean; readonly pid: number };

const askRole = `
  select pg_is_in_recovery() as in_recovery, current_setting('transaction_read_only') = 'on' as read_only,
    pg_backend_pid() as pid`;

/**
 * Connects to the server that answered last, else to the first of all in their order that answers and is what is
 * asked for: a primary for writing, found again after a failover. Each server has a pool of its own, so that nothing
 * is handed out from one that was left.
 */
export function openServers(input: ServersInput): Servers {
  const { addresses, connection, connectTimeoutMs, examine, onError } = input;
  const oneTimeoutMs = addresses.length > 1 ? Math.min(nextServerMs, connectTimeoutMs) : connectTimeoutMs;
  const state: State = { preferred: 0, isDirect: true, noneSince: undefined };
  const prepare = async (client: pg.ClientBase, settings: string, target: SessionTarget): Promise<void> => {
    // A server that let us in and then says nothing, or a pooler that has no server for us.
    const query = { text: `${settings}${askRole}`, query_timeout: connectTimeoutMs };
    const answer = (await client.query(query)) as pg.QueryResult<Role> | pg.QueryResult<Role>[];
    const role = [answer].flat().at(-1)?.rows[0];
    if (role) expectRole(role, target, input.variable);
    // A pooler gives out process numbers of its own.
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
    connect: () =>
      firstUsable(input, state, async (index, target) => {
        const client = newClient(addresses[index] ?? addresses[0]);
        try {
          await client.connect();
          await prepare(client, '', target);
          return client;
        } catch (error) {
          client.end().catch(() => undefined);
          throw error;
        }
      }),
    isDirect: () => state.isDirect,
  };
}

function poolOf(
  address: Address,
  { connection, connectTimeoutMs, queryTimeoutMs, maxConnections, settings, target, onError }: ServersInput,
  newClient: (address: Address, limits: pg.ClientConfig) => pg.Client,
  prepare: (client: pg.ClientBase, settings: string, target: SessionTarget) => Promise<void>,
): pg.Pool {
  // Called with `new`: the pool waits longer for one of its connections than a server is waited for.
  const Client = function () {
    return newClient(address, { query_timeout: queryTimeoutMs });
  } as unknown as new () => pg.Client;
  const pool = new pg.Pool({
    ...connection,
    connectionString: address.url,
    Client,
    max: maxConnections,
    connectionTimeoutMillis: connectTimeoutMs,
    verify: (client, callback) => {
      prepare(client, settings, target).then(() => callback(), callback);
    },
  });
  pool.on('error', onError);
  return pool;
}

/** That a server answers, but is not what is asked for. */
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

/** Why the server answers and is not to be used, if an error says so. */
export function unsuitable(error: unknown): string | undefined {
  const reason = error instanceof LedgerError ? error.fields['unsuitable'] : undefined;
  return typeof reason === 'string' ? reason : undefined;
}

type State = {
  /** The server that answered last. */
  preferred: number;
  isDirect: boolean;
  /** Since when none could be used, and why. */
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

/** Another server knows the same users and databases; and a pool that is busy is no dead server. */
function isWorthAnotherServer(error: unknown): boolean {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code === 'string' && /^(28|3D)/.test(code)) return false;
  if (message === 'timeout exceeded when trying to connect') return false;
  return unsuitable(error) !== undefined || isConnectionFailure(error);
}
