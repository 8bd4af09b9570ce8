import { at, chance, pick } from './random.ts';
import type { Random } from './random.ts';

/** All kinds of faults. */
export const faultKinds = [
  'rate_limited_seconds',
  'rate_limited_date',
  'rate_limited_nonsense',
  'server_error',
  'bad_gateway',
  'unavailable',
  'html',
  'cut_length',
  'cut_chunked',
  'reset',
  'slow',
  'slow_body',
  'unauthorized_once',
  'redirect',
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** The faults that a retry overcomes: all except the redirect, which only occurs if a plan names it. */
export const transientFaultKinds: readonly FaultKind[] = faultKinds.filter((kind) => kind !== 'redirect');

const faultedRoutes = ['transaction', 'result', 'audit_report', 'download'] as const;

/** A creation fails only where a plan names it: it is not repeated. */
type FaultedRoute = (typeof faultedRoutes)[number] | 'create';

/**
 * Which requests fail, and how. `share`: each request fails with this probability, so a retry can succeed. `first`: the
 * first n requests of every URL fail, with the kinds in turn.
 */
export type FaultPlan = ({ readonly share: number } | { readonly first: number }) & {
  /** Default: {@link transientFaultKinds}. */
  readonly kinds?: readonly FaultKind[];
  /** Default: all four. */
  readonly routes?: readonly FaultedRoute[];
  /** Default: 1. */
  readonly retryAfterSeconds?: number;
  /** How long a slow answer takes. Default: 500. */
  readonly slowMs?: number;
};

export type FaultSource = {
  /** The fault of this request, if any. Every call counts as a request. */
  readonly draw: (route: string, path: string) => FaultKind | null;
  readonly retryAfterSeconds: number;
  readonly slowMs: number;
};

/** Creates the source of faults for a plan. Throws a `RangeError` if the plan is invalid. */
export function faultSource(plan: FaultPlan | null, random: Random): FaultSource {
  if (plan === null) return { draw: () => null, retryAfterSeconds: 1, slowMs: 0 };
  checkPlan(plan);
  const routes: readonly FaultedRoute[] = plan.routes ?? faultedRoutes;
  const requestsByPath = new Map<string, number>();
  const refusedPaths = new Set<string>();
  return {
    draw(route, path) {
      if (!routes.some((one) => one === route)) return null;
      const kind = drawKind(plan, random, requestsByPath, path);
      if (kind !== 'unauthorized_once') return kind;
      if (refusedPaths.has(path)) return null;
      refusedPaths.add(path);
      return kind;
    },
    retryAfterSeconds: plan.retryAfterSeconds ?? 1,
    slowMs: plan.slowMs ?? 500,
  };
}

function drawKind(
  plan: FaultPlan,
  random: Random,
  requestsByPath: Map<string, number>,
  path: string,
): FaultKind | null {
  const kinds = plan.kinds ?? transientFaultKinds;
  if ('share' in plan) return chance(random, plan.share) ? pick(random, kinds) : null;
  const earlier = requestsByPath.get(path) ?? 0;
  requestsByPath.set(path, earlier + 1);
  return earlier < plan.first ? at(kinds, earlier % kinds.length) : null;
}

function checkPlan(plan: FaultPlan): void {
  if ('share' in plan && !(plan.share >= 0 && plan.share <= 1)) throw new RangeError('faults.share is from 0 to 1.');
  if ('first' in plan && !(Number.isInteger(plan.first) && plan.first >= 0))
    throw new RangeError('faults.first is a whole number of requests.');
  if (plan.kinds?.length === 0) throw new RangeError('faults.kinds names at least one kind.');
  const unknown = plan.kinds?.find((kind) => !faultKinds.includes(kind));
  if (unknown !== undefined) throw new RangeError(`"${unknown}" is not a kind of fault: ${faultKinds.join(', ')}.`);
}
