import { CATALOGUE, JOB_TYPES, catalogueItems } from '@reelay/contracts';
import { expect, test } from 'vitest';
import { errorsByField, fieldsOf, labelOf, paramsOf, rangeOf, valuesOf } from './schema-form.ts';

const schemaOf = (type: string): Record<string, unknown> => catalogueItems().find((item) => item.type === type)?.paramsSchema ?? {};
const video = '01890a5d-ac96-774b-bcce-b302099a8057';

test('every type of the catalogue becomes a form, and the form with its required fields passes the schema', () => {
  for (const type of JOB_TYPES) {
    const fields = fieldsOf(schemaOf(type));
    expect(fields.length).toBeGreaterThan(0);
    const values: Record<string, string> = {};
    for (const field of fields) if (field.name === 'videoId') values[field.name] = video;
    if (type === 'clip_generate') values['from'] = 'scenes';
    const { params, errors } = paramsOf(fields, values);
    expect(errors).toEqual([]);
    expect(CATALOGUE[type].params.safeParse(params).error).toBeUndefined();
  }
});

test('reads kinds, limits and defaults', () => {
  const fields = fieldsOf(schemaOf('reencode_streaming'));
  expect(fields.find((field) => field.name === 'targetBitrate')).toMatchObject({ kind: 'integer', min: 50, max: 200_000, fallback: 2000, unit: 'kbit/s', label: 'Target bitrate' });
  expect(fields.find((field) => field.name === 'preset')).toMatchObject({ kind: 'choice', fallback: 'medium' });
  expect(fields.find((field) => field.name === 'videoId')).toMatchObject({ kind: 'video', label: 'Video' });
  expect(fieldsOf(schemaOf('compile_quad')).find((field) => field.name === 'videoIds')).toMatchObject({ kind: 'videos', min: 4, max: 4 });
  expect(fieldsOf(schemaOf('compile_quad')).find((field) => field.name === 'seed')).toMatchObject({ min: null, max: null });
});

test('leaves defaults out and says what is wrong', () => {
  const fields = fieldsOf(schemaOf('reencode_streaming'));
  expect(paramsOf(fields, { videoId: video, crf: '23', preset: 'slow', targetBitrate: ' 2500 ' }).params).toEqual({ videoId: video, preset: 'slow', targetBitrate: 2500 });
  expect(paramsOf(fields, { crf: '99', targetBitrate: '1.5', outputPath: '' }).errors).toEqual([
    { path: 'targetBitrate', message: 'Give a whole number' },
    { path: 'crf', message: 'Give 0 to 51' },
  ]);
  expect(paramsOf(fieldsOf(schemaOf('validate')), {}).errors).toEqual([{ path: 'videoId', message: 'Choose a video' }]);
  expect(paramsOf(fieldsOf(schemaOf('scan')), { directoryType: '../up' }).errors).toHaveLength(1);
  expect(paramsOf(fieldsOf(schemaOf('clip_generate')), { videoId: video, ranges: '[{' }).errors).toEqual([{ path: 'ranges', message: 'This is not valid JSON' }]);
});

test('goes from params back to the form', () => {
  const fields = fieldsOf(schemaOf('compile_quad'));
  const params = { videoIds: [video, video, video, video], count: 4, audio: 'mix' };
  const { values, rest } = valuesOf(fields, { ...params, typo: 1 });
  expect(rest).toEqual(['typo']);
  expect(paramsOf(fields, values).params).toEqual(params);
});

test('puts the server\'s errors at their fields', () => {
  const errors = [{ path: 'params.crf', message: 'too big' }, { path: '/params/preset', message: 'unknown' }, { path: 'priority', message: 'bad' }, { path: '', message: 'refused' }];
  expect(errorsByField(errors, ['crf', 'preset'])).toEqual({ crf: 'too big', preset: 'unknown', '': 'priority: bad; refused' });
  expect([labelOf('targetBitrate'), labelOf('crf'), rangeOf({ min: 1, max: null })]).toEqual(['Target bitrate', 'CRF', 'at least 1']);
});
