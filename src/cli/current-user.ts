import os from 'node:os';

/** Who calls the program, and where, for what keeps it. */
export function currentUser(): string {
  try {
    return `${os.userInfo().username}@${os.hostname()}`;
  } catch {
    // A user ID without a name, as containers have.
    return `uid ${process.getuid?.() ?? 'unknown'}@${os.hostname()}`;
  }
}
