import type { JobError } from '@reelay/contracts';
import { JobRefused } from '@reelay/job-types/hub';
import { errorCode, ReelayError } from '@reelay/runtime';
import { isUnstorable } from '@reelay/store';
import { ZodError } from 'zod';

/** Failures on which trying again cannot help. */
const FINAL_CODES: ReadonlySet<string> = new Set(['path_outside_library', 'file_not_found', 'output_exists', 'publish_unsupported']);
/** What the file system says when the library, not the network, is the trouble. */
const FILE_CODES: ReadonlySet<string> = new Set([
  'ENOENT', 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'EIO', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG', 'EXDEV', 'ENOTEMPTY', 'EEXIST', 'ESTALE',
]);

/**
 * The thrown thing as the job's failure; null when it says nothing about the job (the database or the bus is away), so
 * that the caller tries again later.
 */
export const asJobError = (thrown: unknown, code: string): JobError | null => {
  if (thrown instanceof JobRefused) return thrown.error;
  if (thrown instanceof ZodError) return { code: 'message_invalid', message: `What the job says is not valid: ${thrown.issues[0]?.path.join('.') ?? ''} ${thrown.issues[0]?.message ?? ''}`, retryable: false };
  const name = errorCode(thrown);
  if (thrown instanceof ReelayError) {
    return name?.startsWith('bus_') ? null : { code: thrown.code, message: thrown.message, retryable: !FINAL_CODES.has(thrown.code) };
  }
  if (!(thrown instanceof Error) || name === undefined) return thrown instanceof TypeError || thrown instanceof RangeError ? { code, message: thrown.message, retryable: true } : null;
  if (FILE_CODES.has(name)) return { code: name === 'ENOSPC' || name === 'EDQUOT' ? 'disk_full' : code, message: thrown.message, retryable: true };
  // The same again would end the same way, but not for ever.
  return isUnstorable(thrown) ? { code, message: thrown.message, retryable: true } : null;
};
