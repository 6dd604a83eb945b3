import type { Complaints } from '../complaint.ts';

/** RFC 8216, 4.2: each attribute's value has a type of its own, and lists have no spaces. */
type ValueType = 'integer' | 'hex' | 'float' | 'signed' | 'string' | 'enumerated' | 'resolution';

const SHAPES: Readonly<Record<ValueType, RegExp>> = {
  integer: /^\d{1,20}$/,
  hex: /^0[xX][0-9A-F]+$/,
  float: /^\d+(\.\d+)?$/,
  signed: /^-?\d+(\.\d+)?$/,
  string: /^"[^"\r\n]*"$/,
  enumerated: /^[^",\s]+$/,
  resolution: /^\d+x\d+$/,
};

const TYPES: Readonly<Record<string, ValueType>> = {
  'BANDWIDTH': 'integer', 'AVERAGE-BANDWIDTH': 'integer', 'SCORE': 'float', 'CODECS': 'string', 'SUPPLEMENTAL-CODECS': 'string', 'RESOLUTION': 'resolution', 'FRAME-RATE': 'float',
  'HDCP-LEVEL': 'enumerated', 'VIDEO-RANGE': 'enumerated', 'AUDIO': 'string', 'VIDEO': 'string', 'SUBTITLES': 'string', 'CLOSED-CAPTIONS': 'string', 'NAME': 'string',
  'TYPE': 'enumerated', 'GROUP-ID': 'string', 'LANGUAGE': 'string', 'ASSOC-LANGUAGE': 'string', 'DEFAULT': 'enumerated', 'AUTOSELECT': 'enumerated', 'FORCED': 'enumerated',
  'INSTREAM-ID': 'string', 'CHARACTERISTICS': 'string', 'CHANNELS': 'string', 'URI': 'string', 'BYTERANGE': 'string', 'METHOD': 'enumerated', 'IV': 'hex', 'TIME-OFFSET': 'signed',
  'PRECISE': 'enumerated', 'PROGRAM-ID': 'integer',
};

export type Attributes = ReadonlyMap<string, string>;

/** The attributes of a tag, strings without their quotes. */
export function parseAttributes(text: string, complaints: Complaints, where: string): Attributes {
  const found = new Map<string, string>();
  let rest = text;
  while (rest !== '') {
    const match = /^([A-Z0-9-]+)=("[^"]*"|[^",]*)(,|$)/.exec(rest);
    if (!match) {
      complaints.check(false, 'RFC 8216 4.2', `${where}: not an attribute list from “${rest.slice(0, 40)}” on`);
      break;
    }
    const [whole, name = '', value = '', comma] = match;
    rest = rest.slice(whole.length);
    complaints.check(comma === '' || rest !== '', 'RFC 8216 4.2', `${where}: a comma at the end`);
    complaints.check(!found.has(name), 'RFC 8216 4.2', `${where}: ${name} twice`);
    const type = TYPES[name];
    complaints.check(type !== undefined, 'RFC 8216 4.2', `${where}: an attribute ${name} is not known`);
    // Without quotes: there are none, in any variant (4.3.4.2).
    const isNone = name === 'CLOSED-CAPTIONS' && value === 'NONE';
    if (type !== undefined && !isNone) complaints.check(SHAPES[type].test(value), 'RFC 8216 4.2', `${where}: ${name}=${value} is no ${type}`);
    found.set(name, value.startsWith('"') ? value.slice(1, -1) : value);
  }
  return found;
}
