import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig } from '../../src/config/config.ts';
import { createTestFolder } from '../support/books.ts';
import { runCli } from '../support/cli.ts';
import { knownVariables, textOf, yamlOf } from './support.ts';

const strings = z.record(z.string(), z.string());
const healthcheck = z.strictObject({
  test: z.array(z.string()).min(2),
  interval: z.string(),
  timeout: z.string(),
  retries: z.int(),
  start_period: z.string().optional(),
});
const composeService = z.strictObject({
  image: z.string(),
  build: z.string().optional(),
  user: z.string().optional(),
  command: z.array(z.string()),
  env_file: z.array(z.strictObject({ path: z.string(), required: z.boolean() })).optional(),
  environment: strings.optional(),
  volumes: z.array(
    z.union([
      z.string(),
      z.strictObject({ type: z.literal('bind'), source: z.string(), target: z.string(), read_only: z.literal(true) }),
    ]),
  ),
  ports: z.array(z.string()).optional(),
  secrets: z.array(z.string()).optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .optional(),
  healthcheck: healthcheck.optional(),
  cap_drop: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: z.string().optional(),
  restart: z.enum(['no', 'unless-stopped']),
});
/** What is added to docker-compose.yml to try it out. */
const storeFile = z.strictObject({
  'x-ledger': z.looseObject({}),
  services: z.strictObject({
    store: composeService.extend({ entrypoint: z.tuple([z.literal('sh'), z.literal('-c')]) }),
    serve: z.looseObject({ environment: strings }),
    worker: z.looseObject({ environment: strings }),
  }),
  volumes: z.record(z.string(), z.null()),
});
const composeFile = z.strictObject({
  name: z.string(),
  'x-ledger': z.looseObject({}),
  services: z.record(z.string(), composeService),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  volumes: z.record(z.string(), z.null()),
});

describe('docker-compose.yml', () => {
  test('is well-formed, refers to what there is, and calls commands that exist', { timeout: 60_000 }, async () => {
    const compose = composeFile.parse((await yamlOf('docker-compose.yml'))[0]);
    const { services, secrets, volumes } = compose;
    const known = await knownVariables();
    const folder = await createTestFolder();
    expect(Object.keys(services).sort()).toEqual(['migrate', 'postgres', 'redis', 'roles', 'serve', 'worker']);
    for (const [name, service] of Object.entries(services)) {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(Object.keys(services), name).toContain(other);
        if (condition === 'service_healthy') expect(services[other]?.healthcheck).toBeDefined();
      }
      for (const volume of service.volumes)
        if (typeof volume === 'string') expect(Object.keys(volumes)).toContain(volume.split(':')[0]);
      for (const one of service.secrets ?? []) expect(Object.keys(secrets)).toContain(one);
      if (!service.build) continue;
      for (const variable of Object.keys(service.environment ?? {})) expect([...known]).toContain(variable);
      const { code } = await runCli([...service.command, '--help'], { folder });
      expect(code, service.command.join(' ')).toBe(0);
      if (name !== 'migrate') expect(service.healthcheck, name).toBeDefined();
    }
    for (const { image, build } of Object.values(services))
      expect(image).toMatch(build ? /^idscan-ledger$/ : /^[a-z]+:\d+\.\d+(\.\d+)?$/);
    expect(services['postgres']?.image).toBe(services['roles']?.image);
    for (const [from = ''] of (await textOf('Dockerfile')).matchAll(/^FROM \S+/gm))
      expect(from).toMatch(/^FROM node:24\.\d+\.\d+-bookworm-slim$/);
    for (const name of ['serve', 'worker'])
      expect(services[name]?.depends_on?.['roles']?.condition).toBe('service_completed_successfully');
    expect(services['roles']?.depends_on?.['migrate']?.condition).toBe('service_completed_successfully');
    expect(services['serve']?.ports).toEqual(['127.0.0.1:${HTTP_PORT:-8080}:8080']);
    for (const [, name = ''] of (await textOf('docker-compose.yml')).matchAll(/\$\{([A-Z_]+)/g))
      expect([...known]).toContain(name);
  });

  test('shares no volume, and takes no folder for documents or reports', async () => {
    const { services, volumes } = composeFile.parse((await yamlOf('docker-compose.yml'))[0]);
    expect(Object.keys(volumes).sort()).toEqual(['postgres', 'redis']);
    for (const name of ['serve', 'worker']) {
      const { environment = {}, volumes: mounted } = services[name]!;
      expect(mounted.filter((one) => typeof one === 'string')).toEqual([]);
      for (const needed of ['DOCUMENTS_URL', 'REPORTS_URL', 'DOCUMENTS_PUBLIC_KEYS'])
        expect(environment[needed]).toMatch(/^\$\{[A-Z_]+:\?set it in \.env/);
      expect(environment['REPORTS_DIR']).toBe('');
    }
    expect(services['worker']?.environment?.['DOCUMENTS_SECRET_KEY_FILE']).toBe('');
  });

  test('ops/compose-store.yml adds a store of a pinned image, whose URLs the program takes', async () => {
    const { services, volumes } = storeFile.parse((await yamlOf('ops/compose-store.yml'))[0]);
    const { store } = services;
    expect(store.image).toMatch(/^minio\/minio:RELEASE\.[0-9TZ-]+$/);
    expect(store.ports).toBeUndefined();
    expect(Object.keys(volumes)).toEqual(['store']);
    const text = await textOf('ops/compose-store.yml');
    expect(text).toContain('Not for production');
    const given = Object.fromEntries(
      [...text.matchAll(/^# {3}([A-Z_]+)=(\S+)$/gm)].map(([, name = '', value = '']) => [name, value]),
    );
    const { config } = loadConfig(given, { vendorKey: false });
    expect([config.documents, config.reports].map((address) => new URL(address?.endpoint ?? '').hostname)).toEqual([
      'store',
      'store',
    ]);
    const mounts = store.volumes.flatMap((one) => (typeof one === 'string' ? [] : [one.target]));
    expect(mounts.map((target) => target.startsWith('/certs/'))).toEqual([true, true]);
    expect(services.worker.environment['NODE_EXTRA_CA_CERTS']).toBe('/config/store.crt');
    const known = await knownVariables();
    for (const [, name = ''] of text.matchAll(/\$\{([A-Z_]+)/g)) expect([...known]).toContain(name);
  });
});
