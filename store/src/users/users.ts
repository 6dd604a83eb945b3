import type { Role, User } from '@reelay/contracts';
import type { Queryable, Tx } from '../db.ts';

/** A user with what a sign-in is checked against. */
export interface UserWithPassword {
  user: User;
  passwordHash: string;
}

export interface NewUser {
  id: string;
  username: string;
  passwordHash: string;
  role: Role;
}

interface UserRow {
  id: string;
  username: string;
  role: Role;
  createdAt: Date;
}

const toUser = (row: UserRow): User => ({ id: row.id, username: row.username, role: row.role, createdAt: row.createdAt.toISOString() });

/** Adds a user; null when the name is taken (upper and lower case are the same name). */
export const insertUser = async (sql: Queryable, user: NewUser): Promise<User | null> => {
  const [row] = await sql<UserRow[]>`
    insert into users (id, username, password_hash, role)
    values (${user.id}, ${user.username}, ${user.passwordHash}, ${user.role})
    on conflict (lower(username)) do nothing
    returning id, username, role, created_at`;
  return row === undefined ? null : toUser(row);
};

export const countUsers = async (sql: Queryable): Promise<number> => {
  const [row] = await sql<{ total: number }[]>`select count(*)::int as total from users`;
  return row?.total ?? 0;
};

export const listUsers = async (sql: Queryable): Promise<User[]> =>
  (await sql<UserRow[]>`select id, username, role, created_at from users order by lower(username)`).map(toUser);

/** The user of that name, in any case. */
export const findUserByName = async (sql: Queryable, username: string): Promise<UserWithPassword | null> => {
  const [row] = await sql<(UserRow & { passwordHash: string })[]>`
    select id, username, role, created_at, password_hash from users where lower(username) = lower(${username})`;
  return row === undefined ? null : { user: toUser(row), passwordHash: row.passwordHash };
};

/** Null when the user is gone. */
export const roleOfUser = async (sql: Queryable, id: string): Promise<Role | null> => {
  const [row] = await sql<{ role: Role }[]>`select role from users where id = ${id}`;
  return row?.role ?? null;
};

export type UserChange = { kind: 'done'; user: User } | { kind: 'not_found' } | { kind: 'last_super_admin' };

/** Changes role or password. The last SUPER_ADMIN keeps the role, so that somebody can always sign in and repair things. */
export const updateUser = async (tx: Tx, id: string, change: { role?: Role | undefined; passwordHash?: string | undefined }): Promise<UserChange> => {
  if (change.role !== undefined && change.role !== 'SUPER_ADMIN' && (await isLastSuperAdmin(tx, id))) return { kind: 'last_super_admin' };
  const [row] = await tx<UserRow[]>`
    update users set role = coalesce(${change.role ?? null}, role), password_hash = coalesce(${change.passwordHash ?? null}, password_hash)
    where id = ${id} returning id, username, role, created_at`;
  if (row === undefined) return { kind: 'not_found' };
  if (change.passwordHash !== undefined) await tx`delete from user_tokens where user_id = ${id} and kind = 'session'`;
  return { kind: 'done', user: toUser(row) };
};

/** Removes a user with all tokens. */
export const deleteUser = async (tx: Tx, id: string): Promise<UserChange> => {
  if (await isLastSuperAdmin(tx, id)) return { kind: 'last_super_admin' };
  const [row] = await tx<UserRow[]>`delete from users where id = ${id} returning id, username, role, created_at`;
  return row === undefined ? { kind: 'not_found' } : { kind: 'done', user: toUser(row) };
};

/** Locks all SUPER_ADMIN rows, so that two of them cannot demote each other at the same time. */
const isLastSuperAdmin = async (tx: Tx, id: string): Promise<boolean> => {
  const rows = await tx<{ id: string }[]>`select id from users where role = 'SUPER_ADMIN' order by id for update`;
  return rows.length === 1 && rows[0]?.id === id;
};
