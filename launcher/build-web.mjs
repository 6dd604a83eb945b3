// The web client: one hashed entry with lazily loaded chunks, and index.html pointing at them.
import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';

const ENTRY = 'src/main.tsx';
/** 594 KB of hls.js: 166 KB after 0.1 s at 9, 156 KB after 0.5 s at 10, 153 KB after 1.1 s at 11 (measured). */
const BROTLI_QUALITY = 10;
const COMPRESSED = /\.(js|css)$/;

/** esbuild prints nothing itself: the first errors are in what it throws. */
export const QUIET = /** @type {const} */ ({ logLevel: 'silent' });

/**
 * @param {string} folder the web workspace
 * @param {string} outdir
 */
export async function buildWeb(folder, outdir) {
  const { build } = await import('esbuild');
  await mkdir(outdir, { recursive: true });
  if (existsSync(join(folder, 'public'))) await cp(join(folder, 'public'), outdir, { recursive: true });
  const result = await build({
    ...QUIET,
    absWorkingDir: folder,
    entryPoints: [ENTRY],
    outdir: join(outdir, 'assets'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    sourcemap: true,
    metafile: true,
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.svg': 'file', '.woff2': 'file' },
  });
  const html = await readFile(join(folder, 'index.html'), 'utf8');
  await writeFile(join(outdir, 'index.html'), withAssets(html, result.metafile, (path) => `/${relative(outdir, join(folder, path)).replaceAll('\\', '/')}`));
  await compressAssets(join(outdir, 'assets'));
}

/** Beside each text its brotli, in `<name>.br`: made when it is first asked for, it holds up the first film of all (0.2 s beside a browser that starts it, measured). @param {string} folder */
async function compressAssets(folder) {
  const names = (await readdir(folder)).filter((name) => COMPRESSED.test(name));
  await Promise.all(names.map(async (name) => {
    const small = await promisify(brotliCompress)(await readFile(join(folder, name)), { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } });
    await writeFile(join(folder, `${name}.br`), small);
  }));
}

/**
 * Puts the built entry, its style sheet and preloads of what it imports at once into the page.
 * @param {string} html
 * @param {import('esbuild').Metafile} metafile
 * @param {(path: string) => string} urlOf
 */
function withAssets(html, metafile, urlOf) {
  const found = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint === ENTRY);
  if (found === undefined) throw new Error(`${ENTRY} gave no output`);
  const [path, output] = found;
  const source = new RegExp(`(["'])/?${ENTRY.replaceAll('.', String.raw`\.`)}\\1`);
  if (!source.test(html)) throw new Error(`web/index.html does not load /${ENTRY}`);
  const head = [
    ...output.imports.filter((entry) => entry.kind === 'import-statement').map((entry) => `<link rel="modulepreload" href="${urlOf(entry.path)}">`),
    ...(output.cssBundle === undefined ? [] : [`<link rel="stylesheet" href="${urlOf(output.cssBundle)}">`]),
  ];
  return html.replace(source, `"${urlOf(path)}"`).replace('</head>', `${head.join('')}</head>`);
}
