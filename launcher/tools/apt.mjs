// Fetches Debian packages without touching the system: lists, cache and dpkg status of our own, then `dpkg-deb -x`.
// An empty status makes apt resolve the whole closure, libc included, so an entry depends on nothing of the host.
// Measured: lists 1.5 s, 234 packages of ffmpeg 2.7 s, unpacking on two cores 5 s while the download runs.
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StartError } from './errors.mjs';
import { run } from './run.mjs';

const POLL_MS = 100;
const UNPACKERS = 2;
const NOT_NEEDED = ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/info', 'usr/share/lintian', 'usr/share/bug'];

/** One private view of the system's package sources, good for several fetches one after the other. */
export class PackageFetcher {
  /**
   * @param {string} folder an empty folder of our own
   * @param {NodeJS.ProcessEnv} env
   */
  constructor(folder, env) {
    this.folder = folder;
    this.env = env;
    this.ready = /** @type {Promise<void> | null} */ (null);
  }

  /** @param {string} archives */
  #options(archives) {
    const at = (/** @type {string} */ name) => join(this.folder, name);
    return [
      '-qq',
      `-oDir::State=${at('state')}`,
      `-oDir::State::Lists=${at('lists')}`,
      `-oDir::State::status=${at('status')}`,
      `-oDir::Cache=${at('cache')}`,
      `-oDir::Cache::Archives=${archives}`,
      // apt as root drops to the user _apt, who cannot enter our 0700 folder.
      ...(process.getuid?.() === 0 ? ['-oAPT::Sandbox::User=root'] : []),
      '-oAcquire::Languages=none',
      '-oAcquire::Retries=2',
      '-oAcquire::http::Timeout=15',
      '-oAcquire::https::Timeout=15',
      '-oAPT::Install-Recommends=false',
      '-oAPT::Update::Error-Mode=any',
    ];
  }

  /** Reads the package lists once. Throws StartError when there is no apt or no network. */
  update() {
    this.ready ??= this.#update();
    return this.ready;
  }

  async #update() {
    for (const name of ['state', 'lists/partial', 'cache']) await mkdir(join(this.folder, name), { recursive: true });
    await writeFile(join(this.folder, 'status'), '');
    const result = await run('apt-get', [...this.#options(join(this.folder, 'cache')), 'update'], { env: this.env });
    if (result.spawnError !== null) throw new StartError('NO_APT', 'this machine has no apt-get');
    if (result.code !== 0) throw new StartError('APT_UPDATE', `the package lists could not be read (${firstReason(result.stderr)})`);
  }

  /**
   * Downloads the packages, with all they depend on unless `alone`, and unpacks them into `root`.
   * @param {readonly string[]} packages
   * @param {string} root
   * @param {{ alone: boolean, skip: readonly string[], onProgress: (done: number, total: number) => void }} options `skip` names packages left out
   */
  async fetch(packages, root, options) {
    await this.update();
    const archives = join(this.folder, `archives-${packages.join('-')}`);
    await mkdir(join(archives, 'partial'), { recursive: true });
    await mkdir(root, { recursive: true });
    const flags = this.#options(archives);
    const total = options.alone ? packages.length : await this.#count(flags, packages);
    let downloading = true;
    const command = options.alone ? ['download'] : ['install', '-y', '--download-only'];
    const download = run('apt-get', [...flags, ...command, ...packages], { cwd: archives, env: this.env }).finally(() => {
      downloading = false;
    });
    const unpacked = await unpackAsTheyCome(archives, root, () => downloading, options, total);
    const result = await download;
    if (result.code !== 0) throw new StartError('APT_DOWNLOAD', `the packages could not be downloaded (${firstReason(result.stderr)})`);
    if (unpacked < total) throw new StartError('APT_DOWNLOAD', `only ${unpacked} of ${total} packages arrived`);
    await rm(archives, { recursive: true, force: true });
    await Promise.all(NOT_NEEDED.map((path) => rm(join(root, path), { recursive: true, force: true })));
  }

  /**
   * How many packages a download will bring.
   * @param {readonly string[]} flags
   * @param {readonly string[]} packages
   */
  async #count(flags, packages) {
    const plan = await run('apt-get', [...flags, 'install', '--print-uris', ...packages], { env: this.env });
    if (plan.code !== 0) throw new StartError('APT_RESOLVE', `the package sources do not offer ${packages.join(', ')} (${firstReason(plan.stderr)})`);
    return plan.stdout.split('\n').filter((line) => line.startsWith("'")).length;
  }
}

/**
 * apt moves a file out of partial/ only when it is whole and its hash is right.
 * @param {string} archives
 * @param {string} root
 * @param {() => boolean} stillDownloading
 * @param {{ skip: readonly string[], onProgress: (done: number, total: number) => void }} options
 * @param {number} total
 */
async function unpackAsTheyCome(archives, root, stillDownloading, options, total) {
  const seen = new Set();
  let done = 0;
  for (;;) {
    const last = !stillDownloading();
    const fresh = (await readdir(archives)).filter((name) => name.endsWith('.deb') && !seen.has(name));
    for (const name of fresh) seen.add(name);
    const queue = [...fresh];
    await Promise.all(
      Array.from({ length: UNPACKERS }, async () => {
        for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
          if (!options.skip.includes(name.split('_')[0] ?? '')) await unpack(join(archives, name), root);
          done += 1;
          options.onProgress(done, total);
        }
      }),
    );
    if (last) return done;
    if (fresh.length === 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/**
 * @param {string} archive
 * @param {string} root
 */
async function unpack(archive, root) {
  const result = await run('dpkg-deb', ['-x', archive, root]);
  if (result.spawnError !== null) throw new StartError('NO_DPKG', 'this machine has no dpkg-deb');
  if (result.code !== 0) throw new StartError('UNPACK', `a package could not be unpacked (${firstReason(result.stderr)})`);
}

/** @param {string} stderr */
function firstReason(stderr) {
  const lines = stderr.split('\n').map((line) => line.trim()).filter((line) => line !== '');
  const chosen = lines.find((line) => line.startsWith('E:')) ?? lines.find((line) => line.startsWith('W:')) ?? lines[0] ?? 'no reason given';
  return chosen.replace(/^[EW]:\s*/, '').slice(0, 200);
}
