// Programs of an unpacked root run from a small script beside it: the paths of the libraries are known only here.
import { chmod, readdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

const LOADERS = { x64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' };
const TRIPLETS = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };

/** Plug-in folders: loaded by full path or never, and their names clash with real libraries. */
const PLUGIN_FOLDERS = new Set(['dri', 'vdpau', 'gconv', 'ladspa', 'frei0r-1', 'va', 'alsa-lib', 'gdk-pixbuf-2.0', 'sasl2', 'samba', 'perl', 'perl-base', 'security']);

/** @returns {'x64' | 'arm64'} */
function architecture() {
  return process.arch === 'arm64' ? 'arm64' : 'x64';
}

/**
 * Folders under the root that hold shared libraries, as paths relative to it.
 * @param {string} root
 * @returns {Promise<string[]>}
 */
async function libraryFolders(root) {
  const found = /** @type {string[]} */ ([]);
  const visit = async (/** @type {string} */ folder) => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    if (entries.some((entry) => /\.so(\.|$)/.test(entry.name))) found.push(relative(root, folder));
    for (const entry of entries) {
      if (entry.isDirectory() && !PLUGIN_FOLDERS.has(entry.name)) await visit(join(folder, entry.name));
    }
  };
  for (const base of ['lib', 'usr/lib']) await visit(join(root, base, TRIPLETS[architecture()]));
  return found;
}

/** @param {string} text */
const quoted = (text) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/**
 * @param {string} file
 * @param {string} text
 */
async function writeScript(file, text) {
  await writeFile(file, text);
  await chmod(file, 0o755);
}

/**
 * A script that runs a program through the root's own loader: nothing of the host's libc is used, and no
 * LD_LIBRARY_PATH leaks into children.
 * @param {{ root: string, finalRoot: string, program: string, script: string }} options `finalRoot` is where `root` will lie
 */
export async function writeLoaderScript({ root, finalRoot, program, script }) {
  const folders = await libraryFolders(root);
  const name = LOADERS[architecture()];
  let loader = '';
  for (const folder of folders) {
    if ((await readdir(join(root, folder))).includes(name)) loader = join(finalRoot, folder, name);
  }
  if (loader === '') throw new Error(`no ${name} in the unpacked packages`);
  const path = folders.map((folder) => join(finalRoot, folder)).join(':');
  await writeScript(script, `#!/bin/sh\nexec ${quoted(loader)} --library-path ${quoted(path)} ${quoted(join(finalRoot, program))} "$@"\n`);
}

/**
 * A script for Chromium, which starts itself again through /proc/self/exe and so must be run by the host's loader.
 * @param {{ root: string, finalRoot: string, program: string, script: string }} options
 */
export async function writeLibraryPathScript({ root, finalRoot, program, script }) {
  const path = (await libraryFolders(root)).map((folder) => join(finalRoot, folder)).join(':');
  const fonts = join(finalRoot, 'fonts.conf');
  await writeFile(
    join(root, 'fonts.conf'),
    `<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "fonts.dtd">\n<fontconfig>\n<dir>${join(finalRoot, 'usr/share/fonts')}</dir>\n<cachedir prefix="xdg">fontconfig</cachedir>\n</fontconfig>\n`,
  );
  await writeScript(script, `#!/bin/sh\nexport LD_LIBRARY_PATH=${quoted(path)} FONTCONFIG_FILE=${quoted(fonts)}\nexec ${quoted(join(finalRoot, program))} "$@"\n`);
}
