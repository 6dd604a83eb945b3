import type { Role, User } from '@reelay/contracts';
import type { Queryable } from '../db.ts';

export type TokenKind = 'session' | 'api';

export interface NewToken {
  id: string;
  userId: string;
  kind: TokenKind;
  name: string;
  /** SHA-256 of the token; the token itself is never stored. */
  tokenHash: Uint8Array;
  /** Seconds from now; null = no end. */
  lifeSeconds: number | null;
}

/** Who a token stands for. */
export interface Principal {
  tokenId: string;
  kind: TokenKind;
  user: User;
}

export interface StoredToken {
  id: string;
  name: string;
  createdAt: string;
  lastUsedAt: string | null;
  expiresAt: string | null;
}

interface TokenRow {
  id: string;
  name: string;
  createdAt: Date;
  lastUsedAt: Date | null;
  expiresAt: Date | null;
}

const toToken = (row: TokenRow): StoredToken => ({
  id: row.id,
  name: row.name,
  createdAt: row.createdAt.toISOString(),
  lastUsedAt: row.lastUsedAt?.toISOString() ?? null,
  expiresAt: row.expiresAt?.toISOString() ?? null,
});

export const insertToken = async (sql: Queryable, token: NewToken): Promise<StoredToken> => {
  const [row] = await sql<TokenRow[]>`
    insert into user_tokens (id, user_id, kind, name, token_hash, expires_at)
    values (${token.id}, ${token.userId}, ${token.kind}, ${token.name}, ${Buffer.from(token.tokenHash)},
            now() + ${token.lifeSeconds}::double precision * interval '1 second')
    returning id, name, created_at, last_used_at, expires_at`;
  if (row === undefined) throw new Error('insert returned no row');
  return toToken(row);
};

/** The holder of a token that is still good, else null. Its last use is noted once a minute, not at every request. */
export const findPrincipal = async (sql: Queryable, tokenHash: Uint8Array): Promise<Principal | null> => {
  const [row] = await sql<{ tokenId: string; kind: TokenKind; id: string; username: string; role: Role; createdAt: Date; stale: boolean }[]>`
    select t.id as token_id, t.kind, u.id, u.username, u.role, u.created_at,
           t.last_used_at is null or t.last_used_at < now() - interval '1 minute' as stale
    from user_tokens t join users u on u.id = t.user_id
    where t.token_hash = ${Buffer.from(tokenHash)} and (t.expires_at is null or t.expires_at > now())`;
  if (row === undefined) return null;
  if (row.stale) await sql`update user_tokens set last_used_at = now() where id = ${row.tokenId}`;
  return {
    tokenId: row.tokenId,
    kind: row.kind,
    user: { id: row.id, username: row.username, role: row.role, createdAt: row.createdAt.toISOString() },
  };
};

/** Role of the holder by token id; tokens that are good no longer are left out. */
export const rolesOfTokens = async (sql: Queryable, ids: readonly string[]): Promise<Map<string, Role>> => {
  const rows = await sql<{ id: string; role: Role }[]>`
    select t.id, u.role from user_tokens t join users u on u.id = t.user_id
    where t.id = any(${[...ids]}::uuid[]) and (t.expires_at is null or t.expires_at > now())`;
  return new Map(rows.map(({ id, role }) => [id, role]));
};

export const listApiTokens = async (sql: Queryable, userId: string): Promise<StoredToken[]> =>
  (await sql<TokenRow[]>`
    select id, name, created_at, last_used_at, expires_at from user_tokens
    where user_id = ${userId} and kind = 'api' order by created_at desc, id desc`).map(toToken);

/** Ends a token of this user; false when there is none. */
export const deleteToken = async (sql: Queryable, id: string, userId: string): Promise<boolean> =>
  (await sql`delete from user_tokens where id = ${id} and user_id = ${userId}`).count > 0;

/** Removes tokens whose time is over. */
export const deleteExpiredTokens = async (sql: Queryable): Promise<number> =>
  (await sql`delete from user_tokens where expires_at < now()`).count;
