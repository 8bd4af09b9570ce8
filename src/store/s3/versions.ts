import type { S3Connection } from './connection.ts';
import { causeOfFailure } from './errors.ts';

/** A version of an object, or the mark that it was deleted. `versionId` is `null` where the bucket keeps no versions. */
export type Version = {
  readonly key: string;
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly writtenAtMs: number | undefined;
};

/** Every version of every object whose key begins with `prefix`, those of one key in a row. */
export async function* versionsUnder({ bucket, ask }: S3Connection, prefix: string): AsyncGenerator<Version> {
  let after: { KeyMarker?: string; VersionIdMarker?: string } | undefined = {};
  while (after !== undefined) {
    const from: { KeyMarker?: string; VersionIdMarker?: string } = after;
    const page = await ask((s3, options) =>
      s3.listObjectVersions({ Bucket: bucket, Prefix: prefix, ...from }, options),
    );
    const versions = (page.Versions ?? []).map((one) => ({ ...one, isDeleteMarker: false }));
    const markers = (page.DeleteMarkers ?? []).map((one) => ({ ...one, isDeleteMarker: true }));
    const found = [...versions, ...markers].map(({ Key = '', VersionId = 'null', LastModified, isDeleteMarker }) => ({
      key: Key,
      versionId: VersionId,
      isDeleteMarker,
      writtenAtMs: LastModified?.getTime(),
    }));
    yield* found.sort((a, b) => Number(a.key > b.key) - Number(a.key < b.key));
    after = next(page.IsTruncated, page.NextKeyMarker, page.NextVersionIdMarker);
  }
}

/** A page that is said to be followed by another but does not name it would be asked for for ever. */
const next = (isTruncated = false, KeyMarker?: string, VersionIdMarker?: string) =>
  isTruncated && KeyMarker !== undefined
    ? { KeyMarker, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) }
    : undefined;

/** Every version of one object. Keys that only begin like it come after it. */
export async function* versionsOfKey(connection: S3Connection, key: string): AsyncGenerator<Version> {
  for await (const version of versionsUnder(connection, key)) {
    if (version.key !== key) return;
    yield version;
  }
}

export async function removeVersion({ bucket, ask }: S3Connection, key: string, versionId: string): Promise<void> {
  await ask((s3, options) => s3.deleteObject({ Bucket: bucket, Key: key, VersionId: versionId }, options));
}

/** Removes an object with all its versions and the marks of earlier deletions. */
export async function removeAllVersions(connection: S3Connection, key: string): Promise<void> {
  const { bucket, ask } = connection;
  try {
    for await (const { versionId } of versionsOfKey(connection, key)) await removeVersion(connection, key, versionId);
  } catch (error) {
    if (!knowsNoVersions(error)) throw error;
    await ask((s3, options) => s3.deleteObject({ Bucket: bucket, Key: key }, options));
  }
}

/** Some stores have no versions, and do not know the question. */
export const knowsNoVersions = (error: unknown): boolean => causeOfFailure(error) === 'NotImplemented';
