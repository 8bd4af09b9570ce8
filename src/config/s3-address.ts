import { isLoopback } from './urls.ts';

/** A place in an S3-compatible store, as `DOCUMENTS_URL` and `REPORTS_URL` give it. Credentials are no part of it. */
export type S3Address = {
  readonly bucket: string;
  /** What all names begin with: empty, or ends in a slash. */
  readonly prefix: string;
  /** `undefined` = Amazon's own for the region. */
  readonly endpoint: string | undefined;
  /** `undefined` = as the AWS SDK finds it, such as `AWS_REGION`. */
  readonly region: string | undefined;
  /** Whether the bucket is in the path of requests instead of the host name. */
  readonly hasPathStyle: boolean;
};

const pattern = /^s3:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/;
const bucketPattern = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const partPattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/;
const parameters = ['endpoint', 'region', 'path-style'];
/** For stores with one region, whose name nobody asks for. */
const usualRegion = 'us-east-1';
const longestPrefix = 200;

/**
 * Reads the address of an S3-compatible store.
 *
 * @example
 * parseS3Url('s3://bucket/books?endpoint=https://s3.example.com&region=eu-central-1&path-style=true');
 * @returns the address, or every mistake, each to follow the variable's name. They quote nothing of the URL.
 */
export function parseS3Url(text: string): S3Address | readonly string[] {
  const [whole, bucket = '', path = '', query = ''] = pattern.exec(text) ?? [];
  if (whole === undefined) return ['must be a URL such as s3://bucket/prefix'];
  const problems: string[] = [];
  const options = new URLSearchParams(query);
  if (bucket.includes('@')) problems.push('must not contain credentials: the AWS SDK finds them in its usual places');
  else if (!bucketPattern.test(bucket))
    problems.push('must name a bucket: 3 to 63 lower-case letters, digits, dots, hyphens');
  if (!isPrefix(path))
    problems.push(`has a prefix of other characters than letters, digits and . _ - /, or above ${longestPrefix}`);
  if ([...options.keys()].some((name) => !parameters.includes(name)))
    problems.push(`has a parameter that is not one of ${parameters.join(', ')}`);
  if (parameters.some((name) => options.getAll(name).length > 1)) problems.push('has a parameter twice');
  const endpoint = options.get('endpoint') ?? undefined;
  if (endpoint !== undefined && !isEndpoint(endpoint))
    problems.push(
      'has an endpoint that is no https URL without credentials, query and fragment (plain http for loopback addresses alone)',
    );
  const region = options.get('region') ?? (endpoint === undefined ? undefined : usualRegion);
  if (region !== undefined && !/^[a-z0-9-]{1,63}$/.test(region))
    problems.push('has a region that is not of lower-case letters, digits, hyphens');
  const pathStyle = options.get('path-style') ?? 'false';
  if (pathStyle !== 'true' && pathStyle !== 'false') problems.push('has a path-style that is neither true nor false');
  if (problems.length > 0) return problems;
  const prefix = path.replace(/^\/|\/$/g, '');
  return Object.freeze({
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    endpoint,
    region,
    hasPathStyle: pathStyle === 'true',
  });
}

/** Whether no name of one place can be one of the other. */
export function areApart(one: S3Address | undefined, other: S3Address | undefined): boolean {
  if (!one || !other || one.bucket !== other.bucket || one.endpoint !== other.endpoint) return true;
  return !one.prefix.startsWith(other.prefix) && !other.prefix.startsWith(one.prefix);
}

function isPrefix(path: string): boolean {
  const inner = path.replace(/^\/|\/$/g, '');
  return inner.length <= longestPrefix && (inner === '' || inner.split('/').every((part) => partPattern.test(part)));
}

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
  return isSafe && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}
