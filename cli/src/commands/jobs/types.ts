import { JOB_TYPES, resourceCategorySchema } from '@reelay/contracts';
import { Argument, Command } from 'commander';
import { z } from 'zod';
import type { Cli } from '../../cli.ts';
import { understood } from '../../connection/api-client.ts';
import { NotFound } from '../../errors.ts';

const propertySchema = z.looseObject({ type: z.string().optional(), enum: z.array(z.unknown()).optional(), default: z.unknown().optional(), description: z.string().optional(), unit: z.string().optional() });
const typeSchema = z.object({
  type: z.string(), title: z.string(), description: z.string(), category: resourceCategorySchema, vramMb: z.int(), available: z.boolean(),
  paramsSchema: z.looseObject({ properties: z.record(z.string(), propertySchema).default({}), required: z.array(z.string()).default([]) }),
});
const catalogueSchema = z.object({ data: z.array(typeSchema) });
type TypeRow = z.infer<typeof typeSchema>;

const kindOf = ({ type, enum: values }: z.infer<typeof propertySchema>): string => (values === undefined ? (type ?? 'any') : values.join(' | '));

const showType = (cli: Cli, row: TypeRow): void => {
  const { properties, required } = row.paramsSchema;
  cli.printer.fields([
    ['type', row.type], ['title', row.title], ['what it does', row.description], ['category', row.category], ['GPU memory', row.vramMb === 0 ? null : `${row.vramMb} MB`],
    ['available', row.available ? null : 'not in this release', 'warn'],
  ]);
  cli.printer.line();
  cli.printer.table<[string, z.infer<typeof propertySchema>]>([
    { title: 'PARAMETER', value: ([name]) => name },
    { title: 'VALUE', value: ([, property]) => `${kindOf(property)}${property.unit === undefined ? '' : ` (${property.unit})`}` },
    { title: 'DEFAULT', value: ([name, property]) => (required.includes(name) ? 'required' : property.default === undefined ? '' : JSON.stringify(property.default)) },
    { title: 'MEANING', value: ([, property]) => property.description ?? '', mayCut: true },
  ], Object.entries(properties));
};

export const typesCommand = (cli: Cli): Command =>
  new Command('types').description('list the job types, or one with its parameters')
    .addArgument(new Argument('[type]', 'show the parameters of this type').choices(JOB_TYPES))
    .action(async (type: string | undefined) => {
      const json = await (await cli.api()).get('/api/media/catalogue');
      if (cli.json && type === undefined) return cli.printer.json(json);
      const { data } = understood(catalogueSchema, json);
      if (type === undefined) {
        return cli.printer.table<TypeRow>([
          { title: 'TYPE', value: (row) => row.type, tone: (row) => (row.available ? 'plain' : 'dim') },
          { title: 'CATEGORY', value: (row) => row.category },
          { title: 'GPU MB', value: (row) => row.vramMb, align: 'right' },
          { title: 'DOES', value: (row) => (row.available ? row.description : `${row.description} (not in this release)`), mayCut: true },
        ], data);
      }
      const row = data.find((one) => one.type === type);
      if (row === undefined) throw new NotFound(`The gateway knows no job type ${type}`);
      return cli.json ? cli.printer.json(row) : showType(cli, row);
    });
