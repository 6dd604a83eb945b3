const VIDEO: Readonly<Record<string, string>> = {
  mp4: 'video/mp4', m4v: 'video/mp4', mov: 'video/quicktime', mkv: 'video/x-matroska', webm: 'video/webm', ts: 'video/mp2t', m2ts: 'video/mp2t',
  mts: 'video/mp2t', flv: 'video/x-flv', avi: 'video/x-msvideo', wmv: 'video/x-ms-wmv', mpg: 'video/mpeg', mpeg: 'video/mpeg', ogv: 'video/ogg',
  '3gp': 'video/3gpp',
};
const IMAGE: Readonly<Record<string, string>> = { jpg: 'image/jpeg', jpeg: 'image/jpeg', png: 'image/png', webp: 'image/webp', gif: 'image/gif' };
const WEB: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', mjs: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8',
  json: 'application/json', map: 'application/json', svg: 'image/svg+xml', ico: 'image/x-icon', txt: 'text/plain; charset=utf-8',
  woff2: 'font/woff2', webmanifest: 'application/manifest+json', ...IMAGE,
};

const extensionOf = (path: string): string => /\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? '';

/** Type of a media file by its name. Never a type that a browser would run as a page. */
export const videoType = (path: string): string => VIDEO[extensionOf(path)] ?? 'application/octet-stream';
export const imageType = (path: string): string => IMAGE[extensionOf(path)] ?? 'application/octet-stream';
export const webType = (path: string): string => WEB[extensionOf(path)] ?? 'application/octet-stream';
