import { expect, test } from 'vitest';
import { preferencesFrom } from './preferences.ts';

test('anything stored gives whole preferences', () => {
  const defaults = { volume: 1, muted: false, speed: 1, subtitles: null, audio: null };
  for (const text of [null, '', 'no json', 'null', '[]', '{"volume":7,"muted":"yes","speed":0,"subtitles":5}']) expect(preferencesFrom(text)).toEqual(defaults);
  expect(preferencesFrom('{"volume":0.3,"muted":true,"speed":1.5,"subtitles":"off","audio":"de","other":1}')).toEqual({ volume: 0.3, muted: true, speed: 1.5, subtitles: 'off', audio: 'de' });
});
