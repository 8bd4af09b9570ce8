import os from 'node:os';

/** The user and machine that run the program, for records. */
export function currentUser(): string {
  try {
    return `${os.userInfo().username}@${os.hostname()}`;
  } catch {
    // A user ID without a name, as in containers.
    return `uid ${process.getuid?.() ?? 'unknown'}@${os.hostname()}`;
  }
}
