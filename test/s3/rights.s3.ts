import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { beforeEach, describe, expect, inject, test, vi } from 'vitest';
import { errorCode } from '../../src/errors.ts';
import { markerText } from '../../src/store/marker.ts';
import { writeDraft } from '../../src/reports/publish.ts';
import { checkS3Reports, s3Reports } from '../../src/store/s3-reports.ts';
import { s3Store } from '../../src/store/s3-store.ts';
import { createTestFolder } from '../support/folders.ts';
import { addressAt, bareClient, putText, refusal } from './support.ts';

type Statement = { readonly Action: readonly string[]; readonly Resource: string };
type Policy = { readonly Statement: readonly Statement[] };

const [, documented = ''] = /```json\n(.*?)```/s.exec(
  readFileSync(new URL('../../docs/deployment.md', import.meta.url), 'utf8').split('## Documents in S3')[1]!,
)!;
const policy = JSON.parse(documented) as Policy;

beforeEach(() => {
  const { accessKeyId, secretAccessKey } = inject('s3Stranger');
  vi.stubEnv('AWS_ACCESS_KEY_ID', accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', secretAccessKey);
});

const id = '3f0b4d5e-0000-4000-8000-000000000000';

/** A bucket of somebody else's, in which the documented policy holds, but for one of its rights. */
async function bucketWith(missing?: string) {
  const s3 = bareClient();
  const bucket = `rights-${randomBytes(6).toString('hex')}`;
  await s3.createBucket({ Bucket: bucket });
  await s3.putBucketVersioning({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } });
  const statements = policy.Statement.map((one) => ({
    ...one,
    Principal: { AWS: ['arn:aws:iam:::user/stranger'] },
    Action: one.Action.filter((action) => action !== missing),
    Resource: one.Resource.replace(':::bucket', `:::${bucket}`),
  }));
  await s3.putBucketPolicy({ Bucket: bucket, Policy: JSON.stringify({ ...policy, Statement: statements }) });
  // What a user wrote himself he may read without the right.
  await s3.putObject({ Bucket: bucket, Key: 'prefix/store.json', Body: markerText(id) });
  await s3.createMultipartUpload({ Bucket: bucket, Key: 'prefix/unfinished' });
  return s3Store(addressAt(`s3://${bucket}/prefix?endpoint=${inject('s3Endpoint')}&path-style=true`));
}

/** Everything that is ever done with a store. */
async function everything(store: Awaited<ReturnType<typeof bucketWith>>): Promise<void> {
  await store.probe();
  await store.mark(id);
  expect(await store.marker()).toBe(id);
  const stored = await putText(store, 'passport');
  expect(await store.has(stored)).toBe(true);
  expect((await buffer(await store.get('passport'))).length).toBe(Number(stored.bytes));
  for await (const { name } of store.list('')) expect(name).toBe('passport');
  for await (const { name } of store.list('', { everyVersion: true })) expect(name).toBe('passport');
  await store.remove('passport');
  expect(await store.has(stored)).toBe(false);
  await store.removeStale(Date.now() + 3_700_000);
}

describe('the rights that docs/deployment.md lists', () => {
  test('are enough', async () => {
    await everything(await bucketWith());
  });

  test('are enough for reports, too', async () => {
    const { place } = await bucketWith();
    const [bucket = ''] = place.replace('s3://', '').split('/');
    const address = addressAt(`s3://${bucket}/prefix/reports?endpoint=${inject('s3Endpoint')}&path-style=true`);
    const drafts = await createTestFolder();
    expect(await checkS3Reports(address, undefined)).toContain('can be written to');
    for (const hours of [0, 0, 2]) {
      const folder = s3Reports(address, { drafts, now: () => Date.now() + hours * 3_700_000 }).folder('2026-10');
      await folder.publish([await writeDraft(folder.drafts, 'manifest.json', [Buffer.from(randomBytes(8))])]);
      expect(await folder.list()).toHaveLength(1);
    }
    const { Versions = [] } = await bareClient().listObjectVersions({ Bucket: bucket, Prefix: 'prefix/reports/' });
    expect(new Set(Versions.map(({ Key }) => Key)).size).toBe(3);
  });

  // The one that is left out is for stores that know no versions.
  const needed = policy.Statement.flatMap(({ Action }) => Action).filter((action) => action !== 's3:DeleteObject');
  test.each(needed)('are not enough without %s', async (action) => {
    const { hint } = await refusal(everything(await bucketWith(action)));
    expect(hint).toContain('docs/deployment.md');
  });

  test('end at the prefix', async () => {
    const { place } = await bucketWith();
    const [bucket = ''] = place.replace('s3://', '').split('/');
    const elsewhere = s3Store(addressAt(`s3://${bucket}/other?endpoint=${inject('s3Endpoint')}&path-style=true`));
    await expect(putText(elsewhere, 'passport').catch(errorCode)).resolves.toBe('storage_failed');
  });
});
