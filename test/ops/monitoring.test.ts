import { parser } from '@prometheus-io/lezer-promql';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { bearer, startService, tokens } from '../http/support.ts';
import { textOf, yamlOf } from './support.ts';

const rulesFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string().regex(/^[a-z-]+$/),
      rules: z
        .array(
          z.strictObject({
            alert: z.string().regex(/^Idscan[A-Z]\w+$/),
            expr: z.string(),
            for: z.string().regex(/^\d+[smhd]$/),
            labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
            annotations: z.strictObject({ summary: z.string().min(5), description: z.string().min(5) }),
          }),
        )
        .min(1),
    }),
  ),
});

const target = z.looseObject({ refId: z.string(), expr: z.string().min(1), legendFormat: z.string() });
const dashboardFile = z.looseObject({
  uid: z.string(),
  title: z.string(),
  schemaVersion: z.int().min(36),
  templating: z.looseObject({ list: z.array(z.looseObject({ name: z.string(), type: z.string() })) }),
  panels: z.array(
    z.looseObject({
      id: z.int(),
      type: z.enum(['row', 'stat', 'timeseries']),
      title: z.string().min(1),
      gridPos: z.strictObject({ h: z.int(), w: z.int(), x: z.int(), y: z.int() }),
      targets: z.array(target).optional(),
    }),
  ),
});

type Selector = { readonly metric: string; readonly labels: readonly string[] };

/** The metrics that a PromQL expression asks for, with the labels it filters or groups them by. */
function selectorsOf(expression: string): Selector[] {
  // Grafana puts a duration in the place of its variable before Prometheus sees it.
  const text = expression.replaceAll('$__rate_interval', '5m');
  const found: { metric: string; labels: string[] }[] = [];
  const grouping: string[] = [];
  parser.parse(text).iterate({
    enter: (node) => {
      const own = text.slice(node.from, node.to);
      if (node.type.isError) throw new Error(`not PromQL at ${node.from}: ${text}`);
      if (node.name === 'VectorSelector') found.push({ metric: '', labels: [] });
      const last = found.at(-1);
      if (node.name === 'Identifier' && last) last.metric = own;
      if (node.name === 'LabelName') (node.node.parent?.name === 'GroupingLabels' ? grouping : last?.labels)?.push(own);
    },
  });
  return found.map(({ metric, labels }) => ({ metric, labels: [...labels, ...grouping] }));
}

let shown: Map<string, Set<string>>;
let alerts: z.output<typeof rulesFile>;
let dashboard: z.output<typeof dashboardFile>;

beforeAll(async () => {
  const service = await startService();
  await service.ask('/readyz', { headers: bearer(tokens.metrics) });
  const { text } = await service.ask('/metrics', { headers: bearer(tokens.metrics) });
  shown = new Map();
  for (const [, name = ''] of text.matchAll(/^# TYPE (\S+) gauge|^# TYPE (\S+)/gm))
    if (name) shown.set(name, new Set());
  for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]+)(?:\{(.*)\})? /gm)) {
    const known = shown.get(name) ?? new Set<string>();
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
    shown.set(name, known);
  }
  alerts = rulesFile.parse((await yamlOf('ops/alerts.yml'))[0]);
  dashboard = dashboardFile.parse(JSON.parse(await textOf('ops/grafana-dashboard.json')));
});

const alertExpressions = () => alerts.groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
const panelExpressions = () => dashboard.panels.flatMap(({ targets }) => (targets ?? []).map(({ expr }) => expr));

describe('alert rules and dashboard', () => {
  test('a broken expression or an unknown metric would be noticed', () => {
    expect(() => selectorsOf('sum(rate(x[5m])')).toThrow(/not PromQL/);
    expect(selectorsOf('sum by (kind) (rate(a_total{b="1"}[5m])) / c')).toEqual([
      { metric: 'a_total', labels: ['b', 'kind'] },
      { metric: 'c', labels: ['kind'] },
    ]);
    expect(shown.has('idscan_books_readable')).toBe(true);
    expect(shown.has('idscan_unknown')).toBe(false);
  });

  test('ask for metrics and labels that a real answer of /metrics has', () => {
    // Gauges of the books have no rows before there is anything to show: their labels are those of the code.
    const empty: Record<string, string[]> = {
      idscan_attempts_month_to_date: ['task_type', 'outcome'],
      idscan_report_age_seconds: ['period'],
      idscan_open_findings: ['currency'],
      idscan_disputed_amount: ['currency'],
      idscan_oldest_open_finding_age_seconds: ['currency'],
      idscan_retention_destroyed_files: ['kind'],
      idscan_retention_left: ['kind'],
      idscan_retention_age_seconds: ['kind'],
    };
    for (const expression of [...alertExpressions(), ...panelExpressions()]) {
      const selectors = selectorsOf(expression);
      expect(selectors.length, expression).toBeGreaterThan(0);
      for (const { metric, labels } of selectors) {
        expect([...shown.keys()], expression).toContain(metric);
        const known = [...(shown.get(metric) ?? []), ...(empty[metric] ?? [])];
        for (const label of labels) expect(known, `${metric} in ${expression}`).toContain(label);
      }
    }
  });

  test('leave none of our own metrics out', () => {
    const used = new Set(panelExpressions().flatMap((one) => selectorsOf(one).map(({ metric }) => metric)));
    const base = (name: string) => name.replace(/_(bucket|sum|count)$/, '');
    const all = new Set([...shown.keys()].map(base));
    const own = [...all].filter((name) => name.startsWith('idscan_'));
    expect(own.length).toBeGreaterThan(15);
    expect(own.filter((name) => ![...used].some((one) => base(one) === name))).toEqual([]);
  });

  test('watch over what work stands on: workers, Postgres, Redis, intake', () => {
    const rules = alerts.groups.flatMap((group) => group.rules);
    const metricsOf = (name: string) => {
      const rule = rules.find(({ alert }) => alert === name);
      return selectorsOf(rule?.expr ?? '').map(({ metric }) => metric);
    };
    expect(metricsOf('IdscanNoWorker')).toEqual(['idscan_workers_alive']);
    expect(metricsOf('IdscanRedisUnusable')).toEqual(['idscan_redis_usable']);
    expect(metricsOf('IdscanPostgresUnusable')).toEqual(['idscan_postgres_usable']);
    expect(metricsOf('IdscanIntakeRefused')).toEqual(['idscan_http_requests_total', 'idscan_http_requests_total']);
    expect(metricsOf('IdscanNotReady')).toContain('idscan_redis_usable');
  });

  test('are all explained, with what to do', async () => {
    const operations = await textOf('docs/operations.md');
    for (const { alert } of alerts.groups.flatMap((group) => group.rules))
      expect(operations, alert).toContain(`\`${alert}\``);
  });

  test('have names of their own, a place each, and one source', () => {
    const names = alerts.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect(new Set(names).size).toBe(names.length);
    const { panels, templating } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { h, w, x, y } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
    expect(templating.list.map(({ name }) => name)).toEqual(['datasource']);
    expect(JSON.stringify(dashboard)).not.toMatch(/"uid":"(?!\$\{datasource\}|idscan-ledger)/);
  });
});
