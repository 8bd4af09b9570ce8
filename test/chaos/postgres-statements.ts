const tlsRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** Whether a client asks Postgres for TLS, which it does before anything else. */
export const isTlsRequest = (bytes: Buffer): boolean => bytes.subarray(0, 8).equals(tlsRequest);

/** The same URL without TLS. */
export function withoutTls(url: URL): string {
  const plain = new URL(url);
  plain.searchParams.set('sslmode', 'disable');
  plain.searchParams.delete('sslrootcert');
  return plain.toString();
}

/**
 * Reads what one client sends to Postgres (protocol 3.0): each statement that is run, its text together with its values.
 * A prepared statement is sent with its text once for each connection, and is known by its name from then on.
 *
 * @returns to be given the bytes as they come; what they complete.
 */
export function statementReader(): (bytes: Buffer) => string[] {
  const prepared = new Map<string, string>();
  let unread = Buffer.of();
  let hasStarted = false;

  const statementOf = (message: Buffer): string | undefined => {
    const type = String.fromCharCode(message[0]!);
    const body = message.toString('latin1', 5);
    if (type === 'Q') return body;
    const [first = '', second = ''] = body.split('\0', 2);
    if (type === 'P') prepared.set(first, second);
    return type === 'B' ? `${prepared.get(second) ?? ''}${body}` : undefined;
  };

  return (bytes) => {
    unread = Buffer.concat([unread, bytes]);
    const statements: string[] = [];
    for (;;) {
      // The first message alone has no letter before its length, which counts itself.
      const lengthAt = hasStarted ? 1 : 0;
      if (unread.length < lengthAt + 4) return statements;
      const end = lengthAt + unread.readUInt32BE(lengthAt);
      if (unread.length < end) return statements;
      const statement = hasStarted ? statementOf(unread.subarray(0, end)) : undefined;
      if (statement !== undefined) statements.push(statement);
      hasStarted = true;
      unread = unread.subarray(end);
    }
  };
}
