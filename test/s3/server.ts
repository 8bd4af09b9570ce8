import { S3 } from '@aws-sdk/client-s3';
import type { TestProject } from 'vitest/node';
import { requirePrograms } from '../support/needs.ts';
import { startCeph, type S3User } from './ceph.ts';

declare module 'vitest' {
  // oxlint-disable-next-line typescript/consistent-type-definitions -- merged with the runner's own interface
  export interface ProvidedContext {
    s3Endpoint: string;
    s3User: S3User;
    s3Stranger: S3User;
  }
}

/** Fails at once where the suite cannot run: it would prove nothing. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  requirePrograms('ceph-mon', 'ceph-osd', 'radosgw', 'ceph', 'setpriv');
  const startedMs = performance.now();
  const { endpoint, user, stranger, close } = await startCeph();
  const s3 = new S3({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: user });
  for (const Bucket of ['plain', 'versioned']) await s3.createBucket({ Bucket });
  await s3.putBucketVersioning({ Bucket: 'versioned', VersioningConfiguration: { Status: 'Enabled' } });
  s3.destroy();
  process.stderr.write(`s3: Ceph is up after ${((performance.now() - startedMs) / 1_000).toFixed(1)} s\n`);
  project.provide('s3Endpoint', endpoint);
  project.provide('s3User', user);
  project.provide('s3Stranger', stranger);
  return close;
}
