import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../src/config/config.ts';
import { listenForMetrics } from '../../src/metrics/listener.ts';
import { createWorkMetrics } from '../../src/metrics/work.ts';
import { runWorkers } from '../../src/workers/run-workers.ts';
import { ask, startService } from '../http/support.ts';
import { atEnd, createTestContext, createTestFolder, waitFor } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { knownVariables, textOf, yamlOf } from './support.ts';

const manifests = ['config', 'secret.example', 'migrate', 'serve', 'worker'];
const read = async () =>
  (await Promise.all(manifests.map((name) => yamlOf(`ops/kubernetes/${name}.yaml`))))
    .flat()
    .map((one) => object.parse(one));

const strings = z.record(z.string(), z.string());
const httpGet = z.strictObject({ path: z.string(), port: z.string() });
const probe = z.strictObject({
  httpGet,
  periodSeconds: z.int(),
  timeoutSeconds: z.int().optional(),
  failureThreshold: z.int(),
});
const container = z.strictObject({
  name: z.string(),
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(z.strictObject({ name: z.string(), value: z.string() })).optional(),
  envFrom: z.array(
    z.union([
      z.strictObject({ configMapRef: z.strictObject({ name: z.string() }) }),
      z.strictObject({ secretRef: z.strictObject({ name: z.string() }) }),
    ]),
  ),
  ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })).optional(),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  lifecycle: z.strictObject({ preStop: z.strictObject({ sleep: z.strictObject({ seconds: z.int() }) }) }).optional(),
  resources: z.strictObject({ requests: strings, limits: strings }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() })),
});
const pod = z.strictObject({
  metadata: z.strictObject({ labels: strings }),
  spec: z.strictObject({
    restartPolicy: z.literal('Never').optional(),
    terminationGracePeriodSeconds: z.int().optional(),
    automountServiceAccountToken: z.literal(false),
    securityContext: z.looseObject({ runAsNonRoot: z.literal(true), runAsUser: z.literal(1000) }),
    containers: z.array(container).min(1),
    // None is shared: pods have nothing in common but servers.
    volumes: z.array(z.strictObject({ name: z.string(), emptyDir: z.strictObject({}) })),
  }),
});
const selector = z.strictObject({ matchLabels: strings });
const metadata = z.strictObject({ name: z.string().regex(/^[a-z-]+$/) });
const object = z.discriminatedUnion('kind', [
  z.strictObject({ apiVersion: z.literal('v1'), kind: z.literal('ConfigMap'), metadata, data: strings }),
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Secret'),
    metadata,
    type: z.literal('Opaque'),
    stringData: strings,
  }),
  z.strictObject({
    apiVersion: z.literal('batch/v1'),
    kind: z.literal('Job'),
    metadata,
    spec: z.strictObject({ backoffLimit: z.int(), ttlSecondsAfterFinished: z.int(), template: pod }),
  }),
  z.strictObject({
    apiVersion: z.literal('apps/v1'),
    kind: z.literal('Deployment'),
    metadata,
    spec: z.strictObject({
      replicas: z.int(),
      selector,
      strategy: z.strictObject({
        type: z.literal('RollingUpdate'),
        rollingUpdate: z.strictObject({ maxUnavailable: z.int(), maxSurge: z.int() }),
      }),
      template: pod,
    }),
  }),
  z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Service'),
    metadata,
    spec: z.strictObject({
      selector: strings,
      ports: z.array(z.strictObject({ name: z.string(), port: z.int(), targetPort: z.string() })),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal('policy/v1'),
    kind: z.literal('PodDisruptionBudget'),
    metadata,
    spec: z.strictObject({ maxUnavailable: z.int(), selector }),
  }),
]);

/** The listener of a worker at rest. */
async function startListener() {
  const context = await createTestContext();
  const workers = runWorkers(context, { redis: context.redis, prefix: context.queuePrefix, isBatch: false });
  const { registry } = createWorkMetrics();
  const listener = await listenForMetrics(registry, { host: '127.0.0.1', port: 0 }, workers.checks);
  atEnd(async () => {
    await listener.close();
    await workers.stop(10_000);
  });
  return listener;
}

const workloadsOf = (all: readonly z.output<typeof object>[]) =>
  all.filter((one) => one.kind === 'Deployment' || one.kind === 'Job');

/** The variables that a container of the manifests gets. */
function environmentOf(all: readonly z.output<typeof object>[], { env, envFrom }: z.output<typeof container>) {
  const from = envFrom.map((source) => {
    const [kind, name] =
      'secretRef' in source ? ['Secret', source.secretRef.name] : ['ConfigMap', source.configMapRef.name];
    const found = all.find((one) => one.kind === kind && one.metadata.name === name);
    if (found?.kind === 'Secret') return found.stringData;
    if (found?.kind === 'ConfigMap') return found.data;
    throw new Error(`there is no ${kind} ${name}`);
  });
  const own = Object.fromEntries((env ?? []).map(({ name, value }) => [name, value]));
  return Object.assign({}, ...from, own) as Record<string, string>;
}

describe('Kubernetes manifests', () => {
  test('are well-formed and refer to what there is: volumes, ports, labels', async () => {
    const all = await read();
    for (const {
      kind,
      metadata: { name },
      spec,
    } of workloadsOf(all)) {
      const { template } = spec;
      const volumes = new Set(template.spec.volumes.map((volume) => volume.name));
      for (const { volumeMounts, ports = [], ...probes } of template.spec.containers) {
        expect(new Set(volumeMounts.map((mount) => mount.name)), name).toEqual(volumes);
        const named = ports.map((port) => port.name);
        for (const one of [probes.startupProbe, probes.livenessProbe, probes.readinessProbe])
          if (one) expect(named).toContain(one.httpGet.port);
      }
      if (kind !== 'Deployment') continue;
      expect(template.metadata.labels).toEqual(spec.selector.matchLabels);
      expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(60);
      const budget = all.find((one) => one.kind === 'PodDisruptionBudget' && one.metadata.name === name);
      expect(budget).toMatchObject({ spec: { selector: spec.selector } });
    }
    const service = all.find((one) => one.kind === 'Service');
    const serve = all.find((one) => one.kind === 'Deployment' && one.metadata.name === 'idscan-ledger-serve');
    if (service?.kind !== 'Service' || serve?.kind !== 'Deployment') throw new Error('no service');
    expect(service.spec.selector).toEqual(serve.spec.template.metadata.labels);
    const [{ targetPort } = { targetPort: '' }] = service.spec.ports;
    expect(serve.spec.template.spec.containers[0]?.ports?.map(({ name }) => name)).toContain(targetPort);
  });

  test('set variables that the program takes, to values that it takes, and listen where the ports are', async () => {
    const all = await read();
    const known = await knownVariables();
    for (const {
      metadata: { name },
      spec,
    } of workloadsOf(all))
      for (const one of spec.template.spec.containers) {
        const environment = environmentOf(all, one);
        expect(
          Object.keys(environment).filter((variable) => !known.has(variable)),
          name,
        ).toEqual([]);
        const needsKey = one.args[0] === 'worker';
        const { config, service } = loadConfig(environment, {
          vendorKey: needsKey,
          service: true,
          notifications: true,
        });
        const listening = { serve: service?.port, worker: config.metrics?.port }[one.name];
        if (listening !== undefined) expect(one.ports?.map(({ containerPort }) => containerPort)).toEqual([listening]);
        expect(config.databaseUrl).toContain('sslmode=verify-full');
        const mounts = one.volumeMounts.map(({ mountPath }) => mountPath);
        if (one.name === 'migrate') continue;
        expect(mounts).toContain(config.dataDir);
        expect([config.documents?.bucket, config.reports?.bucket]).toEqual(['idscan-ledger', 'idscan-ledger']);
        expect(config.custody.publicKeys).toHaveLength(1);
      }
  });

  test('call commands that exist, and ask probes for addresses that answer', { timeout: 60_000 }, async () => {
    const all = await read();
    const folder = await createTestFolder();
    const service = await startService({ HTTP_READYZ_OPEN: 'true' });
    const listener = await startListener();
    const asked = { serve: service.port, worker: listener.port };
    for (const { spec } of workloadsOf(all))
      for (const { args, name, startupProbe, livenessProbe, readinessProbe } of spec.template.spec.containers) {
        const { code, stdout } = await runCli([...args, '--help'], { folder });
        expect(code, args.join(' ')).toBe(0);
        expect(stdout).toContain(`Usage: idscan-ledger ${args[0] ?? ''}`);
        if (name !== 'serve' && name !== 'worker') continue;
        for (const one of [startupProbe, livenessProbe, readinessProbe])
          await waitFor(`${name} ${one!.httpGet.path}`, async () => {
            const { status } = await ask(asked[name], one!.httpGet.path, {});
            return status === 200;
          });
        expect(livenessProbe?.httpGet.path).toBe('/healthz');
        expect(readinessProbe?.httpGet.path).toMatch(/^\/readyz/);
      }
  });
});

test('.env.example has every variable that the program reads', async () => {
  const sources = await Promise.all(
    ['config', 'service', 'notifications', 'tracing'].map((name) => textOf(`src/config/${name}.ts`)),
  );
  const read = new Set(sources.join('\n').match(/(?<=^ {2}|'|given\[')[A-Z][A-Z0-9]*_[A-Z0-9_]+(?=:|'(,|\]| ))/gm));
  const known = await knownVariables();
  expect(read.size).toBeGreaterThan(40);
  expect([...read].filter((name) => !known.has(name) && !name.endsWith('_FILE'))).toEqual([]);
});
