import { errorCode } from '../errors.ts';

/** What went wrong, for people and for the retry table. */
export interface Diagnosis {
  code: string;
  /** One sentence. */
  message: string;
}

/** The part of a process's exit that a diagnosis needs. */
export interface DiagnosedExit {
  kind: 'code' | 'signal' | 'stalled' | 'timeLimit' | 'spawnError';
  code?: number | null;
  signal?: string | null;
  /** Why we ended it, when we did. */
  cause?: Error;
}

interface Rule {
  pattern: RegExp;
  code: string;
  message: (match: RegExpExecArray) => string;
}

/** What the host lacks; counts even where a signal ended the process, which decode warnings do not explain. */
const HOST_RULES: readonly Rule[] = [
  { pattern: /No space left on device|Disk quota exceeded/i, code: 'disk_full', message: () => 'There is no space left on the disk that the output is written to.' },
  { pattern: /CUDA_ERROR_OUT_OF_MEMORY|out of memory \(10\)|OutOfMemory|cuvid.*out of memory|Failed to allocate.*(CUDA|VRAM)/i, code: 'gpu_out_of_memory', message: () => 'The GPU ran out of memory.' },
  { pattern: /OpenEncodeSessionEx failed: ([^\n(]+)/i, code: 'encoder_failed', message: (m) => `The GPU refused another encode session: ${(m[1] ?? '').trim()}.` },
  { pattern: /Cannot load (libcuda\.so\S*|libnvcuvid\.so\S*|libnvidia-encode\.so\S*|nvcuda\.dll)|No capable devices found|no CUDA-capable device/i, code: 'gpu_unavailable', message: () => 'The GPU cannot be used on this host.' },
  { pattern: /Cannot allocate memory|malloc.*failed|Error allocating/i, code: 'out_of_memory', message: () => 'The host ran out of memory.' },
  { pattern: /Resource temporarily unavailable/i, code: 'out_of_memory', message: () => 'The host had no memory or threads left for the decoder or encoder.' },
  { pattern: /Too many open files/i, code: 'too_many_files', message: () => 'The process may not open as many files as it needs.' },
  { pattern: /File too large/i, code: 'file_too_large', message: () => 'The output passed the largest file that the disk or host allows.' },
];

// The first match wins, so the more telling messages come before the ones that they cause.
const RULES: readonly Rule[] = [
  ...HOST_RULES,
  { pattern: /moov atom not found/i, code: 'moov_missing', message: () => 'The file is incomplete or not a media file: its index (moov atom) is missing.' },
  { pattern: /Unknown encoder '([^']+)'/i, code: 'encoder_missing', message: (m) => `This ffmpeg has no encoder named ${m[1] ?? '?'}.` },
  { pattern: /Unknown decoder '([^']+)'|Decoder \(codec (\w+)\) not found|Decoding requested, but no decoder found for: (\S+)|no decoder.* for .*codec[: ]+(\w+)/i, code: 'codec_unsupported', message: (m) => `The codec ${m[1] ?? m[2] ?? m[3] ?? m[4] ?? '?'} cannot be decoded.` },
  { pattern: /Unsupported codec(?: with id (\d+))?|Could not find codec parameters for stream (\d+) \(([^)]*)\)/i, code: 'codec_unsupported', message: (m) => `A stream has a codec that is not supported${m[3] ? ` (${m[3]})` : ''}.` },
  { pattern: /Unable to (?:find a suitable output format|choose an output format)/i, code: 'container_unsupported', message: () => 'The output format is not known from the file name.' },
  { pattern: /Could not find tag for codec (\w+)|codec not currently supported in container|Only (.+?) (?:is|are) supported for/i, code: 'container_unsupported', message: (m) => `The output format cannot hold ${m[1] ?? 'this codec'}.` },
  { pattern: /Stream map '([^']*)' matches no streams|Output file (?:#\d+ )?does not contain any stream/i, code: 'stream_missing', message: (m) => (m[1] ? `The input has no stream that matches ${m[1]}.` : 'The input has no stream to work on.') },
  { pattern: /Error while opening encoder|Error initializing output stream|Could not open encoder|Cannot open encoder/i, code: 'encoder_failed', message: () => 'The encoder could not be opened with these settings.' },
  { pattern: /Unrecognized option '([^']+)'|Option (\S+) not found|Error parsing options|No such filter: '([^']+)'|Unknown pixel format requested: ([^\s.]+)/i, code: 'option_unsupported', message: (m) => `This ffmpeg does not know ${m[1] ?? m[2] ?? m[3] ?? m[4] ?? 'one of the options'}.` },
  { pattern: /Error initializing (?:complex )?filter(?: '([^']+)'|s)|Error reinitializing filters/i, code: 'filter_failed', message: (m) => `The filter ${m[1] ? `${m[1]} ` : ''}cannot be used with these settings.` },
  { pattern: /(?:HTTP error|Server returned) (4\d\d|5\d\d|4XX|5XX)|Connection (?:refused|reset|timed out)|Failed to resolve hostname/i, code: 'input_unreachable', message: (m) => `The input could not be fetched${m[1] ? ` (HTTP ${m[1]})` : ''}.` },
  { pattern: /Stale (?:NFS )?file handle|Transport endpoint is not connected|Host is down/i, code: 'storage_gone', message: () => 'The disk or network share that holds the file went away.' },
  { pattern: /Impossible to open '([^']+)'|Failed to open segment/i, code: 'input_gone', message: (m) => `A part of the input is gone${m[1] ? `: ${m[1]}` : ''}.` },
  { pattern: /Permission denied|Operation not permitted/i, code: 'permission_denied', message: () => 'A file could not be opened: permission denied.' },
  { pattern: /No such file or directory/i, code: 'file_not_found', message: () => 'The input or the output folder does not exist.' },
  { pattern: /Read-only file system/i, code: 'read_only', message: () => 'The output lies on a read-only file system.' },
  { pattern: /Is a directory/i, code: 'invalid_path', message: () => 'The path is a folder, not a file.' },
  { pattern: /Input\/output error/i, code: 'io_error', message: () => 'The disk or network failed while reading or writing.' },
  { pattern: /Invalid data found when processing input|Invalid argument.*Error opening input|could not find codec parameters|EBML header parsing failed|Failed to read.*header/i, code: 'invalid_data', message: () => 'The input is damaged or is not a media file.' },
  { pattern: /: End of file\s*$/i, code: 'invalid_data', message: () => 'The file ends before its first picture or sound: it is damaged or is not a media file.' },
  { pattern: /Broken pipe/i, code: 'reader_gone', message: () => 'The reader of the output went away.' },
];

const NOISE = /^(?:\s*$|frame=|size=|ffmpeg version|ffprobe version|\s*(?:built with|configuration:|lib\w+ +\d)|Conversion failed!|Press \[q\]|Exiting normally|Last message repeated)/;

function lastLine(stderrTail: string): string | undefined {
  const lines = stderrTail.split(/[\r\n]+/).filter((line) => !NOISE.test(line));
  const line = lines.at(-1)?.replace(/^\[[^\]]*@ 0x[0-9a-f]+\] */i, '').trim();
  return line ? line.slice(0, 300) : undefined;
}

function fromExit(exit: DiagnosedExit): Diagnosis | null {
  if (exit.kind === 'stalled') return { code: 'stalled', message: 'The process made no progress and was stopped.' };
  if (exit.kind === 'timeLimit') return { code: 'timed_out', message: 'The process passed its time limit and was stopped.' };
  if (exit.kind === 'spawnError') return { code: 'spawn_failed', message: 'The program could not be started.' };
  if (!exit.cause) return null;
  const { message } = exit.cause;
  return { code: errorCode(exit.cause) ?? 'ended', message: `${message.charAt(0).toUpperCase()}${message.slice(1)}.` };
}

/** Lost output or input that the exit code may hide. */
const HIDDEN = /Error writing trailer of|Error closing file|av_interleaved_write_frame\(\)|Impossible to open '|Failed to open segment/i;

/**
 * A failure that the exit code hides: ffmpeg 5.1 exits with 0 when only the trailer did not fit on the disk, and when a
 * file of a list or playlist was gone (measured). Ask it after an exit with 0; null means that nothing of the kind was
 * reported. On a full disk the HLS muxer reports nothing at all (measured): what it wrote has to be checked.
 */
export function findHiddenFailure(stderrTail: string): Diagnosis | null {
  if (!HIDDEN.test(stderrTail)) return null;
  return diagnose(stderrTail, { kind: 'code', code: 0 });
}

function match(rules: readonly Rule[], stderrTail: string): Diagnosis | null {
  for (const { pattern, code, message } of rules) {
    const found = pattern.exec(stderrTail);
    if (found) return { code, message: message(found) };
  }
  return null;
}

/** Somebody outside ended it: the kernel, a person, a crash. */
function fromSignal(signal: string | null | undefined): Diagnosis {
  if (signal === 'SIGKILL') return { code: 'killed', message: 'The process was killed, most likely because the host ran out of memory.' };
  if (signal === 'SIGXFSZ') return { code: 'file_too_large', message: 'The output passed the largest file that this host allows.' };
  if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP') return { code: 'terminated', message: `The process was asked to stop by somebody else (${signal}).` };
  return { code: 'crashed', message: `The process ended by the signal ${signal ?? '?'}.` };
}

/** ffmpeg ends with it after TERM or INT; its farewell is not printed at the levels in use. */
const ASKED_TO_STOP = 255;

/** Turns the end of ffmpeg's stderr and its exit into one clear sentence. Call it for failures only. */
export function diagnose(stderrTail: string, exit: DiagnosedExit): Diagnosis {
  const decided = fromExit(exit);
  if (decided) return decided;
  if (exit.kind === 'signal') return match(HOST_RULES, stderrTail) ?? fromSignal(exit.signal);
  const known = match(RULES, stderrTail);
  if (known) return known;
  if (exit.code === ASKED_TO_STOP) return { code: 'terminated', message: 'The process was asked to stop by somebody else.' };
  const line = lastLine(stderrTail);
  return { code: 'ffmpeg_failed', message: line ? `ffmpeg failed: ${line}` : `ffmpeg failed with exit code ${exit.code ?? '?'}.` };
}
