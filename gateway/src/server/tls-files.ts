import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { errorCode, EXIT_CODES, fileTrouble, ReelayError } from '@reelay/runtime';
import type { GatewaySettings } from '../settings.ts';

/** Certificate and key cannot be used as they are. */
class TlsFilesInvalid extends ReelayError {
  readonly code = 'tls_files_invalid';
  override readonly serviceExit = EXIT_CODES.configuration;
}

export interface TlsFiles {
  cert: Buffer;
  key: Buffer;
}

/** Certificate and key, tried together; null when the server speaks plain HTTP. @throws TlsFilesInvalid */
export const readTlsFiles = ({ REELAY_TLS_CERT: certPath, REELAY_TLS_KEY: keyPath }: Pick<GatewaySettings, 'REELAY_TLS_CERT' | 'REELAY_TLS_KEY'>): TlsFiles | null => {
  if (certPath === undefined || keyPath === undefined) return null;
  const files = { cert: read('REELAY_TLS_CERT', certPath), key: read('REELAY_TLS_KEY', keyPath) };
  try {
    createSecureContext(files);
  } catch (error) {
    const reason = REASONS[errorCode(error) ?? ''] ?? `cannot be used (${errorCode(error) ?? 'unknown error'})`;
    throw new TlsFilesInvalid(`the certificate ${certPath} and the key ${keyPath} ${reason}`, { certPath, keyPath }, error);
  }
  return files;
};

const REASONS: Readonly<Record<string, string>> = {
  ERR_OSSL_X509_KEY_VALUES_MISMATCH: 'do not belong together',
  ERR_OSSL_PEM_NO_START_LINE: 'are not both in PEM format',
  ERR_OSSL_UNSUPPORTED: 'are not both in PEM format',
};

const read = (name: string, path: string): Buffer => {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new TlsFilesInvalid(`${name} ${path} cannot be read: ${fileTrouble(error)}`, { path }, error);
  }
};
