import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { inject, test } from 'vitest';
import { canary } from '../support/canary.ts';
import { bareClient, urlOf } from './support.ts';

const Bucket = 'versioned';

test(
  'a face and a name are nowhere in the clear, and after erasure no version has anything of them',
  { timeout: 600_000 },
  async () => {
    const s3 = bareClient();
    const prefix = randomBytes(8).toString('hex');
    const { accessKeyId, secretAccessKey } = inject('s3User');
    const versions = async () => {
      const { Versions = [], IsTruncated } = await s3.listObjectVersions({ Bucket, Prefix: `${prefix}/` });
      if (IsTruncated === true) throw new Error('There are more objects than one page lists.');
      return Promise.all(
        Versions.map(async ({ Key = '', VersionId }) => {
          const { Body } = await s3.getObject({ Bucket, Key, ...(VersionId === undefined ? {} : { VersionId }) });
          const bytes = Buffer.concat([Buffer.from(Key), await buffer(Body as Readable)]);
          return { where: Key, bytes, isObject: !Key.endsWith('.json') && !/\/(probes|erasures|holds)\//.test(Key) };
        }),
      );
    };
    const variables = {
      DOCUMENTS_URL: urlOf(Bucket, prefix),
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
    };
    await canary(variables, versions);
  },
);
