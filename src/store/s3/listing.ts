import type { S3Connection } from './connection.ts';
import { causeOfFailure } from './errors.ts';
import { knowsNoVersions, versionsUnder } from './versions.ts';

export type Listed = { readonly key: string; readonly writtenAtMs: number | undefined };

/** Every object whose key begins with `prefix`, in pages of a thousand. */
export async function* objectsUnder({ bucket, ask }: S3Connection, prefix: string): AsyncGenerator<Listed> {
  let token: string | undefined;
  do {
    const from: { ContinuationToken?: string } = token === undefined ? {} : { ContinuationToken: token };
    const page = await ask((s3, options) => s3.listObjectsV2({ Bucket: bucket, Prefix: prefix, ...from }, options));
    for (const { Key = '', LastModified } of page.Contents ?? [])
      yield { key: Key, writtenAtMs: LastModified?.getTime() };
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
}

/** What lies right below `prefix`: names of objects, and of folders. */
export async function levelUnder(
  { bucket, ask }: S3Connection,
  prefix: string,
): Promise<{ readonly objects: string[]; readonly folders: string[] }> {
  const objects: string[] = [];
  const folders: string[] = [];
  let token: string | undefined;
  do {
    const from: { ContinuationToken?: string } = token === undefined ? {} : { ContinuationToken: token };
    const page = await ask((s3, options) =>
      s3.listObjectsV2({ Bucket: bucket, Prefix: prefix, Delimiter: '/', ...from }, options),
    );
    for (const { Key = '' } of page.Contents ?? []) objects.push(Key.slice(prefix.length));
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) folders.push(Prefix.slice(prefix.length, -1));
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  return { objects, folders };
}

/** Every key that begins with `prefix` and of which any version is left, once. */
export async function* everKnownUnder(connection: S3Connection, prefix: string): AsyncGenerator<Listed> {
  let last: string | undefined;
  try {
    for await (const { key, writtenAtMs } of versionsUnder(connection, prefix)) {
      if (key !== last) yield { key, writtenAtMs };
      last = key;
    }
  } catch (error) {
    if (!knowsNoVersions(error)) throw error;
    yield* objectsUnder(connection, prefix);
  }
}

type Upload = {
  readonly key: string;
  readonly uploadId: string | undefined;
  readonly startedAtMs: number | undefined;
};

/**
 * Unfinished uploads in parts of objects whose key begins with `prefix`. This program makes none, but somebody may have
 * copied objects with another one.
 */
export async function* uploadsUnder({ bucket: Bucket, ask }: S3Connection, prefix: string): AsyncGenerator<Upload> {
  let from: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
  while (from !== undefined) {
    const after: { KeyMarker?: string; UploadIdMarker?: string } = from;
    const page = await ask((s3, options) =>
      s3.listMultipartUploads({ Bucket, Prefix: prefix, ...after }, options),
    ).catch((error: unknown) => {
      // A store without uploads in parts has none that are unfinished.
      if (causeOfFailure(error) === 'NotImplemented') return undefined;
      throw error;
    });
    for (const { Key = '', UploadId, Initiated } of page?.Uploads ?? [])
      yield { key: Key, uploadId: UploadId, startedAtMs: Initiated?.getTime() };
    const { IsTruncated = false, NextKeyMarker, NextUploadIdMarker } = page ?? {};
    from =
      IsTruncated && NextKeyMarker !== undefined
        ? {
            KeyMarker: NextKeyMarker,
            ...(NextUploadIdMarker === undefined ? {} : { UploadIdMarker: NextUploadIdMarker }),
          }
        : undefined;
  }
}

/** Aborts unfinished uploads. @param isMeant which of those whose key begins with `prefix`. */
export async function abortUploads(
  connection: S3Connection,
  prefix: string,
  isMeant: (upload: Upload) => boolean,
): Promise<void> {
  const { bucket: Bucket, ask } = connection;
  for await (const upload of uploadsUnder(connection, prefix)) {
    if (!isMeant(upload)) continue;
    const { key: Key, uploadId: UploadId } = upload;
    await ask((s3, options) => s3.abortMultipartUpload({ Bucket, Key, UploadId }, options)).catch((error: unknown) => {
      if (causeOfFailure(error) !== 'NoSuchUpload') throw error;
    });
  }
}
