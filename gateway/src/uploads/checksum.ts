import { HttpProblem } from '../http/problem.ts';

/** Of the tus extension `checksum`. */
export const CHECKSUM_ALGORITHMS = ['sha1', 'sha256', 'md5'] as const;

export interface Checksum {
  algorithm: (typeof CHECKSUM_ALGORITHMS)[number];
  digest: Buffer;
}

/** The value of Upload-Checksum: `sha1 <base64>`. @throws HttpProblem invalid_request (400), as the protocol wants */
export const parseChecksum = (header: string | undefined): Checksum | null => {
  if (header === undefined) return null;
  const [name, encoded = ''] = header.trim().split(/ +/);
  const algorithm = CHECKSUM_ALGORITHMS.find((known) => known === name);
  if (algorithm === undefined) throw new HttpProblem('invalid_request', `Upload-Checksum: this server knows ${CHECKSUM_ALGORITHMS.join(', ')}`);
  return { algorithm, digest: Buffer.from(encoded, 'base64') };
};
