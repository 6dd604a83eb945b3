/** Languages of tracks: files name them by ISO 639-2 in both of its spellings, people by their names. */

/** The bibliographic codes that differ from the ones that Intl knows. */
const BIBLIOGRAPHIC: Readonly<Record<string, string>> = {
  alb: 'sq', arm: 'hy', baq: 'eu', bur: 'my', chi: 'zh', cze: 'cs', dut: 'nl', fre: 'fr', geo: 'ka', ger: 'de', gre: 'el', ice: 'is', mac: 'mk', mao: 'mi', may: 'ms',
  per: 'fa', rum: 'ro', slo: 'sk', tib: 'bo', wel: 'cy',
};
const NAMES = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/** One spelling for each language: `ger`, `deu` and `de` are `de`. Null: unknown, or none. */
export function languageOf(code: string | null): string | null {
  const text = code?.trim().toLowerCase() ?? '';
  if (text === '' || text === 'und' || text === 'mis' || text === 'zxx') return null;
  try {
    return Intl.getCanonicalLocales(BIBLIOGRAPHIC[text] ?? text)[0] ?? null;
  } catch {
    return null;
  }
}

export const sameLanguage = (a: string | null, b: string | null): boolean => {
  const [one, other] = [languageOf(a), languageOf(b)];
  return one !== null && other !== null && one.split('-')[0] === other.split('-')[0];
};

/** `deu` → German; null when nothing is known of it. */
export function languageName(code: string | null): string | null {
  const language = languageOf(code);
  if (language === null) return null;
  try {
    return NAMES.of(language) ?? null;
  } catch {
    return null;
  }
}
