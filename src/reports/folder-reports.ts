import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { publishDrafts } from './publish.ts';
import type { ReportFiles, ReportFolder, ReportStore } from './report-store.ts';

/** Reports in a folder. */
export const folderReports = (directory: string): ReportStore => ({
  place: directory,
  folder: (name) => localFolder(name === '' ? directory : path.join(directory, name)),
  folders: async () => {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.filter((entry) => !entry.isFile()).map(({ name }) => name);
  },
});

/** A folder of this machine. All its files are in it, whichever manifest they go with. */
export function localFolder(directory: string): ReportFolder {
  const read = (name: string): Promise<Buffer> => readFile(path.join(directory, name));
  const files: ReportFiles = {
    read,
    stream: (name) => createReadStream(path.join(directory, name)),
    open: async (name) => {
      const handle = await open(path.join(directory, name), 'r');
      return { chunks: () => chunksOf(handle), close: () => handle.close() };
    },
  };
  return {
    place: directory,
    drafts: directory,
    manifest: read,
    filesOf: () => files,
    list: async () => {
      const entries = await readdir(directory, { withFileTypes: true });
      return entries.map((entry) => ({ name: entry.name, isFile: entry.isFile() || entry.isSymbolicLink() }));
    },
    publish: (drafts) => publishDrafts(directory, drafts),
    // Publishing leaves nothing behind: whoever reads a file keeps it open.
    tidy: () => Promise.resolve(),
  };
}

/** A place that is given as a path, or opened already. */
export const folderAt = (where: string | ReportFolder): ReportFolder =>
  typeof where === 'string' ? localFolder(where) : where;

export const reportsAt = (where: string | ReportStore): ReportStore =>
  typeof where === 'string' ? folderReports(where) : where;

async function* chunksOf(handle: FileHandle): AsyncGenerator<Buffer> {
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(65_536), 0, 65_536, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
