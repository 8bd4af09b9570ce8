import path from 'node:path';

/** The folder for unfinished downloads. */
export const incomingFolder = (folder: string): string => path.join(folder, 'incoming');

/** The path of a stored content. It is made from the hash alone: no string of the vendor ever names a file. */
export const contentPath = (folder: string, sha256: string): string => path.join(folder, sha256.slice(0, 2), sha256);

/** Whether a name is that of a hash folder: the first two digits of the hashes in it. */
export const isHashFolder = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);

/**
 * Whether a name is that of a probe file, with which writing to the store is tested. A killed process may leave one
 * behind.
 */
export const isProbeName = (name: string): boolean => /^[0-9a-f]{24}\.probe$/.test(name);

export const isContentName = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
