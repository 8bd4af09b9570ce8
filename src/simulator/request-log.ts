import type { FaultKind } from './faults.ts';
import { basePath } from './routes.ts';
import type { Route, Target } from './routes.ts';

type LoggedRequest = {
  readonly method: string;
  /** Without the query, and with download tokens masked. */
  readonly path: string;
  /** 0 = the connection was reset without an answer. */
  readonly status: number;
  readonly fault: FaultKind | null;
};

type DownloadCount = {
  readonly requested: number;
  /** Answers with status 200 that were complete and correct. */
  readonly served: number;
};

/** The requests so far. */
export type RequestLog = {
  readonly total: number;
  readonly byRoute: Readonly<Record<Route, number>>;
  /** By status; 0 = reset. */
  readonly byStatus: ReadonlyMap<number, number>;
  readonly byFault: ReadonlyMap<FaultKind, number>;
  /** The latest requests, oldest first. */
  readonly list: readonly LoggedRequest[];
  /** By file token. */
  readonly downloads: ReadonlyMap<string, DownloadCount>;
  /** Forgets all requests so far. */
  readonly reset: () => void;
};

export type RequestRecorder = {
  readonly log: RequestLog;
  readonly record: (target: Target, request: LoggedRequest) => void;
  readonly recordServed: (target: Target) => void;
};

const noRequests: Readonly<Record<Route, number>> = {
  create: 0,
  transaction: 0,
  result: 0,
  audit_report: 0,
  download: 0,
  bill: 0,
  other: 0,
};

/** An empty log and the functions that write to it. */
export function requestRecorder(maxLogged: number): RequestRecorder {
  const byStatus = new Map<number, number>();
  const byFault = new Map<FaultKind, number>();
  const downloads = new Map<string, { requested: number; served: number }>();
  const list: LoggedRequest[] = [];
  const byRoute = { ...noRequests };
  const countOf = (token: string): { requested: number; served: number } => {
    const count = downloads.get(token) ?? { requested: 0, served: 0 };
    downloads.set(token, count);
    return count;
  };
  let total = 0;
  return {
    log: {
      get total() {
        return total;
      },
      byRoute,
      byStatus,
      byFault,
      get list() {
        return list.slice(-maxLogged);
      },
      downloads,
      reset() {
        total = 0;
        list.length = 0;
        for (const counts of [byStatus, byFault, downloads]) counts.clear();
        Object.assign(byRoute, noRequests);
      },
    },
    record(target, request) {
      total += 1;
      byRoute[target.route] += 1;
      byStatus.set(request.status, (byStatus.get(request.status) ?? 0) + 1);
      if (request.fault) byFault.set(request.fault, (byFault.get(request.fault) ?? 0) + 1);
      if (target.route === 'download') countOf(target.token).requested += 1;
      list.push(request);
      // Trimmed only now and then, so that a long run costs neither memory nor time.
      if (list.length >= 2 * maxLogged + 1000) list.splice(0, list.length - maxLogged);
    },
    recordServed(target) {
      if (target.route === 'download') countOf(target.token).served += 1;
    },
  };
}

/** The path as it may be shown. A download token grants access, so it is masked. */
export function shownPath(path: string, target: Target): string {
  return target.route === 'download' ? `${basePath}downloads/***` : path;
}
