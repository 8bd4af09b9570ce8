import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { inject, test } from 'vitest';
import { killInCustody } from '../chaos/support-custody-kills.ts';
import { startHttpProxy } from './http-proxy.ts';
import { bareClient } from './support.ts';

test(
  'kill -9 of workers that store in a bucket with versions: nothing lost, doubled, left or readable',
  { timeout: 3_600_000 },
  async ({ annotate }) => {
    const s3 = bareClient();
    const prefix = randomBytes(8).toString('hex');
    let isAway = false;
    const proxy = await startHttpProxy({
      answer: (_, response) => {
        if (isAway) response.destroy();
        return isAway;
      },
    });
    const { accessKeyId, secretAccessKey } = inject('s3User');
    const Bucket = 'versioned';
    /** Of every version, and of what marks a deletion. */
    const names = async (): Promise<string[]> => {
      const keys = new Set<string>();
      let from: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
      while (from) {
        const page: ListObjectVersionsCommandOutput = await s3.listObjectVersions({
          Bucket,
          Prefix: `${prefix}/`,
          ...(from as object),
        });
        for (const { Key = '' } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
          keys.add(Key.slice(prefix.length + 1));
        from =
          page.IsTruncated === true && page.NextKeyMarker !== undefined
            ? { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker ?? '' }
            : undefined;
      }
      return [...keys].filter((key) => key !== 'store.json' && !/^(probes|erasures|holds)\//.test(key)).sort();
    };
    const said = await killInCustody({
      transactions: 3_000,
      kills: 200,
      awayMs: 60_000,
      seed: 1,
      variables: {
        DOCUMENTS_URL: `s3://${Bucket}/${prefix}?endpoint=${proxy.endpoint}&path-style=true`,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
      place: () => ({
        bare: {
          read: async (name) => buffer((await s3.getObject({ Bucket, Key: `${prefix}/${name}` })).Body as Readable),
          names,
        },
        drafts: () => Promise.resolve([]),
        leave: () => Promise.resolve(void (isAway = true)),
        comeBack: () => Promise.resolve(void (isAway = false)),
      }),
    });
    await annotate(said);
  },
);
