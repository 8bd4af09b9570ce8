import { createHash } from 'node:crypto';
import path from 'node:path';

/** The folder for unfinished downloads. */
export const incomingFolder = (folder: string): string => path.join(folder, 'incoming');

/** Where an object's file is. Names are made by this program alone: no string of the vendor names a file. */
export const objectPath = (folder: string, name: string): string => path.join(folder, ...name.split('/'));

/** The folder, of 256, that has a transaction's objects. */
const shardOf = (transactionId: string): string => createHash('sha256').update(transactionId).digest('hex').slice(0, 2);

/** What the names of all of a transaction's objects begin with. A transaction ID contains no `.`. */
export const transactionPrefix = (transactionId: string): string => `${shardOf(transactionId)}/${transactionId}.`;

export type DocumentPlace = {
  readonly transactionId: string;
  readonly kind: 'document' | 'audit_report';
  readonly origin: string;
  readonly position: number;
};

/**
 * The name of a document's object: its transaction, kind and place, never its content, so that an erased document is not
 * recognisable by its hash. `write` tells apart what several jobs stored for the same place.
 */
export const documentName = ({ transactionId, kind, origin, position }: DocumentPlace, write: string): string =>
  `${transactionPrefix(transactionId)}${kind}.${origin}.${position}.${write}`;

/** What the names of the objects of one kind begin with. */
export const kindPrefix = (transactionId: string, kind: DocumentPlace['kind']): string =>
  `${transactionPrefix(transactionId)}${kind}.`;

/** Whose document an object was stored as; `undefined` = the name is no document's. */
export function placeIn(name: string): DocumentPlace | undefined {
  const [, transactionId = '', kind, origin = '', position] =
    /^[0-9a-f]{2}\/([^./]+)\.(document|audit_report)\.([^./]+)\.(\d{1,9})\.[^./]+$/.exec(name) ?? [];
  if ((kind !== 'document' && kind !== 'audit_report') || !name.startsWith(transactionPrefix(transactionId)))
    return undefined;
  return { transactionId, kind, origin, position: Number(position) };
}

/** The transaction that a name belongs to; `undefined` = it is no document's. */
export const transactionOf = (name: string): string | undefined => {
  const [, transactionId] = /^[0-9a-f]{2}\/([^./]+)\.[^/]+$/.exec(name) ?? [];
  return transactionId !== undefined && name.startsWith(transactionPrefix(transactionId)) ? transactionId : undefined;
};

/** The name of a document that an earlier version stored in the clear, under the hash of its content. */
export const clearName = (sha256: string): string => `${sha256.slice(0, 2)}/${sha256}`;

/** The hash in such a name; `undefined` = it is another kind of name. */
export const clearHashIn = (name: string): string | undefined => /^[0-9a-f]{2}\/([0-9a-f]{64})$/.exec(name)?.[1];

/** What the names of the orders to erase begin with. */
export const erasuresPrefix = 'erasures/';

/** The name of the order to carry out an erasure. */
export const orderName = (erasureId: string): string => `${erasuresPrefix}${erasureId}.json`;

/** The name of what says that such an order is cancelled. */
export const cancellationName = (erasureId: string): string => `${erasuresPrefix}${erasureId}.cancelled.json`;

/** The name of what says that such an order is carried out earlier than it says itself. */
export const hasteName = (erasureId: string): string => `${erasuresPrefix}${erasureId}.now.json`;

/** The erasure that a name is about, and what it says of it; `undefined` = it is another kind of name. */
export function erasureIn(
  name: string,
): { readonly id: string; readonly says: 'ordered' | 'cancelled' | 'now' } | undefined {
  const [, id, said] = /^erasures\/([0-9a-f-]{36})(\.cancelled|\.now)?\.json$/.exec(name) ?? [];
  if (id === undefined) return undefined;
  return { id, says: said === '.now' ? 'now' : said === '.cancelled' ? 'cancelled' : 'ordered' };
}

/** What the names of the copies of legal holds begin with. */
export const holdsPrefix = 'holds/';

type HoldPlace = { readonly transactionId: string; readonly placedAtMs: number };

/** The name of the copy of a legal hold. */
export const holdName = ({ transactionId, placedAtMs }: HoldPlace): string =>
  `${holdsPrefix}${transactionId}.${placedAtMs}.json`;

/** The name of what says that such a hold was released. */
export const releaseName = ({ transactionId, placedAtMs }: HoldPlace): string =>
  `${holdsPrefix}${transactionId}.${placedAtMs}.released.json`;

/** The hold that a name is about; `undefined` = it is another kind of name. */
export function holdIn(name: string): (HoldPlace & { readonly isReleased: boolean }) | undefined {
  const [, transactionId, placedAtMs, released] = /^holds\/([^./]+)\.(\d{1,15})(\.released)?\.json$/.exec(name) ?? [];
  if (transactionId === undefined) return undefined;
  return { transactionId, placedAtMs: Number(placedAtMs), isReleased: released !== undefined };
}

/** Whether a name is that of an order or of a hold, and so of no document. */
export const isOrder = (name: string): boolean => name.startsWith(erasuresPrefix) || name.startsWith(holdsPrefix);

/** Whether a folder in the root of a store is one that this program makes. */
export const isOwnFolder = (name: string): boolean => isShard(name) || isOrder(`${name}/`);

/** Whether a name is that of a shard: the first two digits of the hashes of the transactions, or contents, in it. */
export const isShard = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);

/** Whether a name in a bucket is that of a test object, of which a killed process may leave one behind. */
export const isProbeObject = (name: string): boolean => /^probes\/[0-9a-f]{24}$/.test(name);

/**
 * Whether a name is that of a probe file, with which writing to the store is tested. A killed process may leave one
 * behind.
 */
export const isProbeName = (name: string): boolean => /^[0-9a-f]{24}\.probe$/.test(name);
