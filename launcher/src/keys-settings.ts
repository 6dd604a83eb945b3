import { nodeIdSchema } from '@reelay/contracts';
import { defineSettings } from '@reelay/runtime';
import { z } from 'zod';

const nodeIds = z
  .string()
  .default('')
  .transform((text) => text.split(',').map((part) => part.trim()).filter((part) => part !== ''))
  .pipe(z.array(nodeIdSchema));
const id = (byDefault: number) => z.coerce.number().int().min(0).default(byDefault);

/** What the `keys` service of docker compose reads. */
export const keysSettings = defineSettings({
  REELAY_SECRETS_DIR: { schema: z.string().min(1).default('/secrets'), doc: 'Folder in which the volumes with secrets are mounted.' },
  REELAY_NODE_IDS: { schema: nodeIds, doc: 'Nodes that get credentials, separated by commas.' },
  REELAY_DATABASE_HOST: { schema: z.string().min(1).default('postgres'), doc: 'Host of Postgres as gateway and scheduler see it.' },
  REELAY_HUB_UID: { schema: id(1000), doc: 'User id of gateway, scheduler, agents and NATS.' },
  REELAY_POSTGRES_UID: { schema: id(999), doc: 'User id of Postgres.' },
});
