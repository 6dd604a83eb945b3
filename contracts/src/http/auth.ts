import { z } from 'zod';

export const ROLES = ['SUPER_ADMIN', 'ADMIN', 'VIEWER'] as const;
export const roleSchema = z.enum(ROLES);
export type Role = z.infer<typeof roleSchema>;
/** Rank of a role: a higher one may do all a lower one may. */
export const ROLE_RANK: Readonly<Record<Role, number>> = { VIEWER: 1, ADMIN: 2, SUPER_ADMIN: 3 };

export const loginRequest = z.strictObject({ username: z.string().min(1).max(100), password: z.string().min(1).max(1000) });
export const userSchema = z.object({ id: z.uuid(), username: z.string(), role: roleSchema, createdAt: z.iso.datetime() });
export type User = z.infer<typeof userSchema>;
export const loginResponse = z.object({ token: z.string(), user: userSchema, expiresAt: z.iso.datetime() });
/** Header that cookie-authenticated writes must carry; a foreign page cannot set it without a preflight. */
export const CSRF_HEADER = 'x-reelay-csrf';
export const SESSION_COOKIE = 'reelay_session';
/** Opens the segments of one video; its path is that video's. Signed, so that an edge can judge it without asking. */
export const VIEW_COOKIE = 'reelay_view';

export const createTokenRequest = z.strictObject({ name: z.string().min(1).max(100), expiresInDays: z.int().min(1).max(3650).optional() });
export const apiTokenSchema = z.object({
  id: z.uuid(), name: z.string(), createdAt: z.iso.datetime(), lastUsedAt: z.iso.datetime().nullable(), expiresAt: z.iso.datetime().nullable(),
});
/** `token` is shown in this answer only. */
export const createdTokenSchema = apiTokenSchema.extend({ token: z.string() });
export const createUserRequest = z.strictObject({
  username: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{1,63}$/),
  password: z.string().min(8).max(1000),
  role: roleSchema,
});
export const updateUserRequest = z.strictObject({ password: z.string().min(8).max(1000).optional(), role: roleSchema.optional() });
