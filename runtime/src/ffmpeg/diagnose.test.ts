import { expect, test } from 'vitest';
import { Drained } from '../causes.ts';
import { diagnose, findHiddenFailure } from './diagnose.ts';

const FAILED = { kind: 'code', code: 1 } as const;

test.each([
  ['[mov,mp4 @ 0x55d] moov atom not found\nx.mp4: Invalid data found when processing input', 'moov_missing'],
  ['av_interleaved_write_frame(): No space left on device', 'disk_full'],
  ["Unknown encoder 'h264_nvenc'", 'encoder_missing'],
  ['[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: out of memory (10): (no details)', 'gpu_out_of_memory'],
  ['[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: incompatible client key (21): (no details)', 'encoder_failed'],
  ['[AVHWDeviceContext @ 0x1] cu->cuInit(0) failed -> CUDA_ERROR_OUT_OF_MEMORY: out of memory', 'gpu_out_of_memory'],
  ['[h264_nvenc @ 0x1] Cannot load libcuda.so.1', 'gpu_unavailable'],
  ['Error while opening encoder for output stream #0:0 - maybe incorrect parameters', 'encoder_failed'],
  ["Stream map '0:a' matches no streams.\nTo ignore this, add a trailing '?' to the map.", 'stream_missing'],
  ['/x/none.mp4: No such file or directory', 'file_not_found'],
  ['/x/y.mp4: Permission denied', 'permission_denied'],
  ['x: Cannot allocate memory', 'out_of_memory'],
  ['x.bin: Invalid data found when processing input', 'invalid_data'],
  ['[http @ 0x1] HTTP error 403 Forbidden', 'input_unreachable'],
  ['Decoder (codec av1) not found for input stream #0:0', 'codec_unsupported'],
  ["Unrecognized option 'fps_mode'.", 'option_unsupported'],
  ['Unknown pixel format requested: foo.', 'option_unsupported'],
  ["[AVFilterGraph @ 0x1] Error initializing filter 'scale' with args '-5:0x'", 'filter_failed'],
  ['x.mkv: Stale file handle', 'storage_gone'],
  ['x.mkv: File too large', 'file_too_large'],
  ['x.mkv: Too many open files', 'too_many_files'],
  ['Error while opening decoder for input stream #0:0 : Resource temporarily unavailable', 'out_of_memory'],
])('%s', (stderr, code) => {
  const diagnosis = diagnose(`ffmpeg version 5.1\n${stderr}\nConversion failed!\n`, FAILED);
  expect(diagnosis.code).toBe(code);
  expect(diagnosis.message).toMatch(/^[A-Z].*\.$/);
});

test('the exit decides where stderr is silent', () => {
  expect(diagnose('', { kind: 'stalled' }).code).toBe('stalled');
  expect(diagnose('', { kind: 'timeLimit' }).code).toBe('timed_out');
  expect(diagnose('', { kind: 'spawnError' }).code).toBe('spawn_failed');
  expect(diagnose('', { kind: 'signal', signal: 'SIGKILL' }).code).toBe('killed');
  expect(diagnose('', { kind: 'signal', signal: 'SIGSEGV' })).toEqual({ code: 'crashed', message: 'The process ended by the signal SIGSEGV.' });
});

test('where we ended it, the cause is the reason', () => {
  expect(diagnose('Broken pipe', { kind: 'signal', signal: 'SIGKILL', cause: new Drained() })).toEqual({ code: 'drained', message: 'Node drained.' });
});

test('what a signal ended is not blamed on the input', () => {
  expect(diagnose('Invalid data found when processing input', { kind: 'signal', signal: 'SIGKILL' }).code).toBe('killed');
  expect(diagnose('x264 [error]: malloc of size 1 failed', { kind: 'signal', signal: 'SIGSEGV' }).code).toBe('out_of_memory');
  expect(diagnose('', { kind: 'signal', signal: 'SIGXFSZ' }).code).toBe('file_too_large');
  expect(diagnose('Finishing stream 0:1 without any data written to it.', { kind: 'code', code: 255 }).code).toBe('terminated');
});

test('an unknown failure quotes the last line that says something', () => {
  const stderr = 'ffmpeg version 5.1\n[out#0 @ 0x5571] Something odd happened\nframe=  1 fps=0\nConversion failed!\n';
  expect(diagnose(stderr, FAILED)).toEqual({ code: 'ffmpeg_failed', message: 'ffmpeg failed: Something odd happened' });
  expect(diagnose('', { kind: 'code', code: 8 }).message).toBe('ffmpeg failed with exit code 8.');
});

test('an input that lost a part is found although the exit code is 0', () => {
  expect(findHiddenFailure("[concat @ 0x1] Impossible to open 'b.mkv'\nlist.txt: No such file or directory\n")).toEqual({ code: 'input_gone', message: 'A part of the input is gone: b.mkv.' });
});

test('a trailer that did not fit is found although the exit code is 0', () => {
  expect(findHiddenFailure('Error writing trailer of x.mkv: No space left on device\n')?.code).toBe('disk_full');
  expect(findHiddenFailure('[libx264 @ 0x1] kb/s:282.09\n')).toBeNull();
});
