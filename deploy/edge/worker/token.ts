const encoder = new TextEncoder();

const bytesOf = (base64url: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64url.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Verifies the tokens of signed addresses and view cookies, without asking anybody. */
export class ViewTokens {
  readonly #keys: Promise<CryptoKey[]>;

  /** `secret`: the lines of the gateways' REELAY_SECRET_FILE. */
  constructor(secret: string) {
    const lines = secret.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== '');
    this.#keys = Promise.all(lines.map((line) => crypto.subtle.importKey('raw', encoder.encode(line), { name: 'HMAC', hash: 'SHA-256' }, false, ['verify'])));
  }

  /** Whether one of the keys signed it, for this video, and its time is not over. `nowMs` is Unix time. */
  async opens(token: string, videoId: string, nowMs: number): Promise<boolean> {
    const [, body = '', mac = ''] = /^([\w-]+)\.([\w-]{43})$/.exec(token) ?? [];
    if (body === '') return false;
    const signature = bytesOf(mac);
    for (const key of await this.#keys) {
      if (await crypto.subtle.verify('HMAC', key, signature, encoder.encode(body))) return saysVideo(body, videoId, nowMs);
    }
    return false;
  }
}

const saysVideo = (body: string, videoId: string, nowMs: number): boolean => {
  const signed: unknown = JSON.parse(new TextDecoder().decode(bytesOf(body)));
  if (!isRecord(signed) || !isRecord(signed['p']) || typeof signed['e'] !== 'number') return false;
  return signed['p']['k'] === 'view' && signed['p']['v'] === videoId && nowMs < signed['e'];
};
