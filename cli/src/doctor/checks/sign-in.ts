import { Credentials, credentialsPath } from '../../connection/credentials.ts';
import { type Check, ok, warn } from '../check.ts';

const look: Check['look'] = async ({ env, gateway, clock }) => {
  const credentials = new Credentials(credentialsPath(env));
  if (await credentials.isOpenToOthers()) return [warn(`${credentials.path} may be read by others`, `chmod 600 ${credentials.path}`)];
  const found = await credentials.find(gateway.url);
  if (found === null) return [ok(`Nobody has signed in to ${gateway.url} with reelay login`)];
  const isOver = new Date(found.expiresAt).getTime() < clock.now().getTime();
  return [isOver ? warn(`The sign-in of ${found.username} at ${gateway.url} has run out`, 'reelay login') : ok(`Signed in to ${gateway.url} as ${found.username}`)];
};

export const signInChecks: Check[] = [{ id: 'sign-in', group: 'Services', limitMs: 5_000, look }];
