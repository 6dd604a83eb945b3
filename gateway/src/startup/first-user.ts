import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '@reelay/runtime';
import { countUsers, insertUser, type Sql } from '@reelay/store';
import { hashPassword } from '../auth/passwords.ts';

/** File in the data folder with the generated password of `admin`. */
export const ADMIN_PASSWORD_FILE = 'admin-password';

/**
 * Makes the user `admin` when there is no user at all. Without a password given, one is generated and kept in a file
 * that only its owner can read. Answers how the password is known, or null when there are users already.
 */
export const ensureFirstUser = async (
  sql: Sql, options: { password: string | undefined; dataDir: string; newId: () => string },
): Promise<'given' | 'generated' | null> => {
  if ((await countUsers(sql)) > 0) return null;
  const password = options.password ?? (await generatedPassword(options.dataDir));
  const user = await insertUser(sql, { id: options.newId(), username: 'admin', passwordHash: await hashPassword(password), role: 'SUPER_ADMIN' });
  // Another gateway was first.
  if (user === null) return null;
  return options.password === undefined ? 'generated' : 'given';
};

/** A second gateway on the same data folder reads what the first one wrote. */
const generatedPassword = async (dataDir: string): Promise<string> => {
  const path = join(dataDir, ADMIN_PASSWORD_FILE);
  const password = randomBytes(15).toString('base64url');
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${password}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return password;
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
    return (await readFile(path, 'utf8')).trim();
  }
};
