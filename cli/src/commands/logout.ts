import { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { ApiClient } from '../connection/api-client.ts';
import { Credentials, credentialsPath } from '../connection/credentials.ts';
import { ApiRefusal, Unreachable } from '../errors.ts';

/** The kept token is thrown away in any case; where the gateway can be reached, it also ends there. */
export const logoutCommand = (cli: Cli): Command =>
  new Command('logout').description('sign out: end the token of reelay login and forget it').action(async () => {
    const { url } = await cli.gateway();
    const credentials = new Credentials(credentialsPath(cli.io.env));
    const kept = await credentials.find(url);
    let ended = false;
    if (kept !== null) {
      try {
        await new ApiClient(url, kept.token).call('POST', '/api/auth/logout');
        ended = true;
      } catch (error) {
        if (error instanceof Unreachable) cli.printer.warn(`${error.message}; the token is forgotten here, but good there until it runs out`);
        else if (!(error instanceof ApiRefusal && error.status === 401)) throw error;
      }
      await credentials.forget(url);
    }
    cli.show({ url, signedOut: kept !== null, ended }, () => cli.printer.line(kept === null ? `Nobody was signed in to ${url}` : `Signed out of ${url}`));
  });
