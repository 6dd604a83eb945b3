import { userSchema } from '@reelay/contracts';
import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { understood } from '../connection/api-client.ts';
import { findToken } from '../connection/gateway.ts';

export const whoamiCommand = (cli: Cli): Command =>
  new Command('whoami').description('who is signed in, where, and by which token').action(async () => {
    const json = await (await cli.api()).get('/api/auth/me');
    const { url, source } = await cli.gateway();
    const token = await findToken(cli.io, cli.options.tokenFile, url);
    cli.show(json, () => {
      const user = understood(userSchema, json);
      cli.printer.fields([['user', user.username], ['role', user.role], ['gateway', `${url} (${source})`], ['token from', token?.source]]);
    });
  });
