import { hash, randomBytes } from 'node:crypto';

/** A new opaque token: 256 random bits with a recognisable beginning. */
export const newToken = (kind: 'session' | 'api'): string => `${kind === 'api' ? 'rlya' : 'rlys'}_${randomBytes(32).toString('base64url')}`;

/** What is stored of a token. Its 256 bits are random, so a plain hash is enough. */
export const hashToken = (token: string): Uint8Array => hash('sha256', token, 'buffer');
/** The same as text, to know it by. */
export const tokenKey = (token: string): string => hash('sha256', token, 'base64url');
