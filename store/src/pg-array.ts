/** One-dimensional arrays in Postgres' text form, such as `{a,"b c",NULL}`. */
type Item = string | number | boolean | Date | null;

/** The array as Postgres reads it. */
export const formatArray = (items: readonly Item[]): string =>
  `{${items.map((item) => (item === null ? 'NULL' : `"${(item instanceof Date ? item.toISOString() : String(item)).replace(/[\\"]/g, String.raw`\$&`)}"`)).join(',')}}`;

/** The items of an array as Postgres writes it. */
export const parseArray = (text: string): (string | null)[] => {
  const items: (string | null)[] = [];
  const token = /"((?:[^"\\]|\\.)*)"|([^,{}]+)/gs;
  for (const [, quoted, bare] of text.matchAll(token)) {
    if (quoted !== undefined) items.push(quoted.replace(/\\(.)/gs, '$1'));
    else items.push(bare === undefined || bare === 'NULL' ? null : bare);
  }
  return items;
};

const ofText = (oid: number) => ({ to: oid, from: [oid], serialize: formatArray, parse: parseArray });
const ofNumbers = (oid: number) => ({ to: oid, from: [oid], serialize: formatArray, parse: (text: string) => parseArray(text).map((item) => (item === null ? null : Number(item))) });

/** Array types by the oids that Postgres gives its built-in types. */
export const arrayTypes = {
  textArray: ofText(1009), varcharArray: ofText(1015), uuidArray: ofText(2951),
  smallintArray: ofNumbers(1005), integerArray: ofNumbers(1007), bigintArray: ofNumbers(1016), realArray: ofNumbers(1021), doubleArray: ofNumbers(1022),
};
