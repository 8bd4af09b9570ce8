import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { brotliDecompressSync, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib';
import type { Redis } from 'ioredis';
import type pg from 'pg';

/** Something that must not be found, in every form that bytes take on the way through programs. */
function formsOf(needle: Buffer): readonly Buffer[] {
  const text = needle.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(needle);
  const utf16 = Buffer.from(text, 'utf16le');
  const encoded = (bytes: Buffer): Buffer[] => [
    ...[0, 1, 2].map((shift) => base64Inside(bytes, shift)),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
  ];
  const texts = isText
    ? [
        Buffer.from(text.toUpperCase()),
        Buffer.from(text, 'latin1'),
        utf16,
        Buffer.from(utf16).swap16(),
        Buffer.from(encodeURIComponent(text)),
        Buffer.from(JSON.stringify(text).slice(1, -1)),
        ...encoded(utf16),
      ]
    : [];
  return [needle, ...encoded(needle), ...texts].filter((form) => form.length >= 8);
}

/** What base64 of something longer contains, wherever the needle begins in a group of three bytes. */
function base64Inside(needle: Buffer, shift: number): Buffer {
  const whole = Buffer.concat([Buffer.alloc(shift), needle])
    .toString('base64')
    .replace(/=+$/, '');
  return Buffer.from(whole.slice(shift === 0 ? 0 : shift + 1, -2));
}

/** A place where something may be found. */
export type Hay = { readonly where: string; readonly bytes: Buffer };

/** Where any form of a needle is, also in what is compressed as a whole. */
export function placesOf(needle: Buffer, hays: readonly Hay[]): string[] {
  const forms = formsOf(needle);
  return hays
    .filter(({ bytes }) => [bytes, ...unpacked(bytes)].some((one) => forms.some((form) => one.includes(form))))
    .map(({ where }) => where);
}

/** What bytes unpack to, kept for the next needle. */
const kept = new WeakMap<Buffer, Buffer[]>();

function unpacked(bytes: Buffer): Buffer[] {
  const known = kept.get(bytes);
  if (known) return known;
  const found = [gunzipSync, inflateSync, inflateRawSync, brotliDecompressSync].flatMap((unpack) => {
    try {
      return [unpack(bytes)];
    } catch {
      return [];
    }
  });
  kept.set(bytes, found);
  return found;
}

/** Every file below a folder, with its name. */
export async function filesBelow(folder: string, isMeant: (name: string) => boolean = () => true): Promise<Hay[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => isMeant(path.relative(folder, file)));
  return Promise.all(
    files.map(async (file) => ({ where: file, bytes: Buffer.concat([Buffer.from(file), await readFile(file)]) })),
  );
}

/** Every row of every table, as a dump has them. */
export async function tablesOf(client: pg.Client): Promise<Hay[]> {
  const { rows: tables } = await client.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema') order by 1`,
  );
  const hays: Hay[] = [];
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t`);
    hays.push({ where: name, bytes: Buffer.from(rows.map(({ row }) => row).join('\n')) });
  }
  return hays;
}

/** Every key of Redis with its value. */
export async function keysOf(redis: Redis): Promise<Hay[]> {
  const hays: Hay[] = [];
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key);
    const value =
      type === 'string'
        ? await redis.get(key)
        : type === 'hash'
          ? await redis.hgetall(key)
          : type === 'list'
            ? await redis.lrange(key, 0, -1)
            : type === 'set'
              ? await redis.smembers(key)
              : type === 'zset'
                ? await redis.zrange(key, '0', '-1')
                : await redis.xrange(key, '-', '+');
    const said =
      typeof value === 'string'
        ? value
        : Object.entries(value ?? {})
            .flat(3)
            .join('\n');
    hays.push({ where: `redis ${key}`, bytes: Buffer.from(`${key}\n${said}`) });
  }
  return hays;
}
