import { describe, expect, test } from 'vitest';
import { parseServers } from '../../src/config/postgres-address.ts';

describe('the servers that a URL names', () => {
  test('are one, taken as it is', () => {
    const url = 'postgresql://u:p%40ss@db.example.test/books?sslmode=verify-full';
    expect(parseServers(url, 'writing')).toEqual({
      addresses: [{ url, name: 'db.example.test:5432' }],
      target: 'read-write',
    });
  });

  test('are several in their order, each with the same user, database and settings', () => {
    const url = 'postgres://u:p@h1:5433,h2,[::1]:5434/books?target_session_attrs=primary&sslmode=disable';
    const rest = '/books?target_session_attrs=primary&sslmode=disable';
    expect(parseServers(url, 'writing')).toEqual({
      addresses: [
        { url: `postgres://u:p@h1:5433${rest}`, name: 'h1:5433' },
        { url: `postgres://u:p@h2${rest}`, name: 'h2:5432' },
        { url: `postgres://u:p@[::1]:5434${rest}`, name: '[::1]:5434' },
      ],
      target: 'primary',
    });
  });

  test('may be reached by a socket', () => {
    expect(parseServers('postgres:///books?host=/run/postgresql', 'writing')).toMatchObject({
      addresses: [{ name: '/run/postgresql' }],
    });
  });

  test.for([
    ['writing', 'postgres://h/db?target_session_attrs=any', 'any'],
    ['writing', 'postgres://h/db', 'read-write'],
    ['reading', 'postgres://h/db', 'any'],
    ['reading', 'postgres://h/db?target_session_attrs=standby', 'standby'],
  ] as const)('for %s, %s, are to be %s', ([purpose, url, target]) => {
    expect(parseServers(url, purpose)).toMatchObject({ target });
  });

  test.for([
    ['writing', 'mysql://h/db'],
    ['writing', 'h1,h2'],
    ['writing', 'postgres://u:secret@h1:port,h2/db'],
    ['writing', 'postgres://u:secret@h1,,h2/db'],
    ['writing', 'postgres://u:secret@h1:5432,h2:99999/db'],
    ['writing', 'postgres://u:secret@h/db?host=a,b'],
    ['writing', 'postgres://u:secret@h/db?target_session_attrs=standby'],
    ['writing', 'postgres://u:secret@h/db?target_session_attrs='],
    ['reading', 'postgres://u:secret@h/db?target_session_attrs=read-write'],
    ['writing', `postgres://u:secret@${Array.from({ length: 9 }, (_, index) => `h${index}`).join(',')}/db`],
  ] as const)('for %s, %s, are refused without repeating the password', ([purpose, url]) => {
    const problem = parseServers(url, purpose);
    expect(problem).toEqual(expect.stringMatching(/^must /));
    expect(problem).not.toContain('secret');
  });
});
