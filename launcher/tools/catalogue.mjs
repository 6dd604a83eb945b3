// The programs the system needs and where they come from.
import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { testAnswer, testFfmpeg } from './selftest.mjs';
import { writeLibraryPathScript, writeLoaderScript } from './wrapper.mjs';

/**
 * @typedef {object} Tool
 * @property {string} name folder in the cache
 * @property {string} title in a sentence
 * @property {readonly string[]} env variables that name the programs, in the order of `programs`
 * @property {readonly (readonly string[])[]} programs for each variable the names looked up in PATH
 * @property {readonly string[]} packages Debian packages
 * @property {boolean} alone true: the packages without what they depend on
 * @property {readonly string[]} skip packages that are not unpacked
 * @property {string} advice what to do where packages cannot be fetched
 * @property {(paths: readonly string[]) => Promise<string | null>} test null when they work
 * @property {(root: string, finalRoot: string) => Promise<void>} finish writes private-bin/NAME of each program into the root
 */

/** @type {Tool} */
export const FFMPEG = {
  name: 'ffmpeg',
  title: 'ffmpeg',
  env: ['FFMPEG_PATH', 'FFPROBE_PATH'],
  programs: [['ffmpeg'], ['ffprobe']],
  packages: ['ffmpeg'],
  alone: false,
  skip: [],
  advice: 'Install ffmpeg 5 or newer with libx264 and AAC, or set FFMPEG_PATH and FFPROBE_PATH.',
  test: ([ffmpeg = '', ffprobe = '']) => testFfmpeg(ffmpeg, ffprobe),
  finish: async (root, finalRoot) => {
    for (const name of ['ffmpeg', 'ffprobe']) await viaLoader(root, finalRoot, `usr/bin/${name}`, name);
  },
};

/** @type {Tool} */
export const NATS_SERVER = {
  name: 'nats-server',
  title: 'nats-server',
  env: ['NATS_SERVER_PATH'],
  programs: [['nats-server']],
  packages: ['nats-server'],
  // It needs the C library alone, and the packages are those of this very system.
  alone: true,
  skip: [],
  advice: 'Install nats-server 2.9 or newer, set NATS_SERVER_PATH, or set NATS_URL to use a server that runs elsewhere.',
  test: ([server = '']) => testAnswer(server, ['--version'], /nats-server/),
  finish: async (root) => {
    await mkdir(join(root, 'private-bin'), { recursive: true });
    await symlink('../usr/sbin/nats-server', join(root, 'private-bin', 'nats-server'));
  },
};

/** For the tests of the edge configuration only. @type {Tool} */
export const NGINX = {
  name: 'nginx',
  title: 'nginx',
  env: ['NGINX_PATH'],
  programs: [['nginx']],
  packages: ['nginx'],
  alone: false,
  skip: [],
  advice: 'Install nginx 1.18 or newer, or set NGINX_PATH.',
  test: ([server = '']) => testAnswer(server, ['-v'], /nginx\/1\.(1[89]|[2-9]\d)\./),
  finish: (root, finalRoot) => viaLoader(root, finalRoot, 'usr/sbin/nginx', 'nginx'),
};

/** For browser tests only. @type {Tool} */
export const CHROMIUM = {
  name: 'chromium',
  title: 'Chromium',
  env: ['CHROMIUM_PATH'],
  programs: [['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome']],
  packages: ['chromium'],
  alone: false,
  // Chromium runs under the host's loader, which must meet the host's libc.
  skip: ['libc6', 'libc-bin'],
  advice: 'Install Chromium or Chrome, or set CHROMIUM_PATH.',
  test: ([browser = '']) => testAnswer(browser, ['--version', '--no-sandbox'], /Chrom/),
  finish: async (root, finalRoot) => {
    await mkdir(join(root, 'private-bin'), { recursive: true });
    await writeLibraryPathScript({ root, finalRoot, program: 'usr/lib/chromium/chromium', script: join(root, 'private-bin/chromium') });
  },
};

/**
 * @param {string} root
 * @param {string} finalRoot
 * @param {string} program
 * @param {string} name
 */
async function viaLoader(root, finalRoot, program, name) {
  const script = join(root, 'private-bin', name);
  await mkdir(dirname(script), { recursive: true });
  await writeLoaderScript({ root, finalRoot, program, script });
}
