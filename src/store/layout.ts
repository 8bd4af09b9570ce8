import path from 'node:path';

/** Where downloads are before they are whole. */
export const incomingFolder = (folder: string): string => path.join(folder, 'incoming');

/** The path of a stored content. Made of the hash alone: no string of the vendor's ever names a file. */
export const contentPath = (folder: string, sha256: string): string => path.join(folder, sha256.slice(0, 2), sha256);

/** Folders of contents, named by the beginning of their hashes. */
export const isHashFolder = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);

/** A few bytes that show that a store can be written to. Whoever was killed meanwhile leaves them behind. */
export const isProbeName = (name: string): boolean => /^[0-9a-f]{24}\.probe$/.test(name);

export const isContentName = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
