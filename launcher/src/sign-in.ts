import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere } from './secret-file.ts';

/** Where the gateway keeps the password that it made for the first user. */
export const adminPasswordFile = (dataDir: string): string => join(dataDir, 'admin-password');

/** The password of `admin`, as far as this machine knows it. */
export async function knownAdminPassword(dataDir: string, fromEnv: string | undefined): Promise<string | null> {
  return (await readIfThere(adminPasswordFile(dataDir)))?.trim() ?? fromEnv ?? null;
}

/** How to sign in, in one line. A generated password is shown only by the start that made it. */
export async function signInLine(dataDir: string, hadFile: boolean): Promise<string> {
  const path = adminPasswordFile(dataDir);
  if (hadFile) return `Sign in as admin; the password is in ${path}`;
  const made = await readFile(path, 'utf8').catch(() => null);
  return made === null ? 'Sign in as admin with the password you set' : `Sign in as admin with the password ${made.trim()} (kept in ${path})`;
}
