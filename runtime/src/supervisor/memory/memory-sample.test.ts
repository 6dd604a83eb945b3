import { expect, test } from 'vitest';
import { sampleMemory } from './memory-sample.ts';

const MIB = 1_048_576;

function from(files: Record<string, string>) {
  return sampleMemory((path) => files[path] ?? null);
}

const HOST = {
  '/proc/meminfo': 'MemTotal:       16384000 kB\nMemFree:          100000 kB\nMemAvailable:    8192000 kB\nSwapTotal:             0 kB\n',
  '/proc/pressure/memory': 'some avg10=1.50 avg60=0.40 avg300=0.10 total=123456\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=99\n',
};

test('a host without limits', () => {
  expect(from(HOST)).toEqual({ samples: [{ source: 'host', availableBytes: 8_192_000 * 1_024, totalBytes: 16_384_000 * 1_024 }], stalledUs: 123_456 });
  expect(from({})).toEqual({ samples: [], stalledUs: null });
});

test('cgroup v2: each limit on the way up counts, and idle page cache is no use of memory', () => {
  const { samples, stalledUs } = from({
    ...HOST,
    '/proc/self/mountinfo': '29 22 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw',
    '/proc/self/cgroup': '0::/slice/unit\n',
    '/sys/fs/cgroup/slice/unit/memory.max': 'max\n',
    '/sys/fs/cgroup/slice/unit/memory.current': '400\n',
    '/sys/fs/cgroup/slice/unit/memory.pressure': 'some avg10=0.00 avg60=0.00 avg300=0.00 total=77\n',
    '/sys/fs/cgroup/slice/memory.max': `${512 * MIB}\n`,
    '/sys/fs/cgroup/slice/memory.current': `${500 * MIB}\n`,
    '/sys/fs/cgroup/slice/memory.stat': `anon 1\nfile 2\ninactive_file ${100 * MIB}\nactive_file 3\n`,
  });
  expect(samples[1]).toEqual({ source: 'cgroup', availableBytes: 112 * MIB, totalBytes: 512 * MIB });
  expect([samples.length, stalledUs]).toEqual([2, 77]);
});

test('cgroup v1: the same, and its huge number means no limit', () => {
  const { samples } = from({
    ...HOST,
    '/proc/self/mountinfo': '35 31 0:32 /docker /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory',
    '/proc/self/cgroup': '4:memory:/docker/1\n0::/\n',
    '/sys/fs/cgroup/memory/1/memory.limit_in_bytes': `${256 * MIB}\n`,
    '/sys/fs/cgroup/memory/1/memory.usage_in_bytes': `${300 * MIB}\n`,
    '/sys/fs/cgroup/memory/1/memory.stat': `cache 1\ntotal_inactive_file ${20 * MIB}\n`,
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '5\n',
  });
  expect(samples.slice(1)).toEqual([{ source: 'cgroup', availableBytes: 0, totalBytes: 256 * MIB }]);
});

test.skipIf(process.platform !== 'linux')('this host says something sensible', () => {
  const { samples } = sampleMemory();
  expect(samples[0]?.source).toBe('host');
  for (const { availableBytes, totalBytes } of samples) expect(availableBytes).toBeLessThanOrEqual(totalBytes);
});
