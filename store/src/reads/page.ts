import type { Pagination } from '@reelay/contracts';

/** The pagination part of a list's answer. */
export const pagination = ({ page, limit }: { page: number; limit: number }, total: number): Pagination =>
  ({ page, limit, total, totalPages: Math.ceil(total / limit) });

/** A LIKE pattern that finds `text` literally: anywhere, or at the beginning. */
export const likePattern = (text: string, where: 'anywhere' | 'prefix' = 'anywhere'): string => {
  const literal = text.replace(/[\\%_]/g, (character) => `\\${character}`);
  return where === 'anywhere' ? `%${literal}%` : `${literal}%`;
};
