import type { GatewayDeps } from '../deps.ts';
import { docsPage, DOCS_STYLE } from '../docs/page.ts';
import type { App } from '../http/env.ts';

const INFO = {
  openapi: '3.1.0',
  info: { title: 'Reelay', version: '1', description: 'Streams, jobs, nodes and live events of a Reelay installation.' },
  servers: [{ url: '/' }],
  security: [{ bearer: [] }, { cookie: [] }],
} as const;

/** The machine-readable description and a page made from it; both work without any other server. */
export const docsRoutes = (app: App, _deps: GatewayDeps): void => {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer' });
  app.openAPIRegistry.registerComponent('securitySchemes', 'cookie', { type: 'apiKey', in: 'cookie', name: 'reelay_session' });
  let made: ReturnType<App['getOpenAPI31Document']> | undefined;
  const description = () => (made ??= app.getOpenAPI31Document({ ...INFO, servers: [...INFO.servers], security: [{ bearer: [] }, { cookie: [] }] }));

  app.get('/openapi.json', (c) => c.json(description(), 200, { 'cache-control': 'no-cache', 'access-control-allow-origin': '*' }));
  app.get('/docs', (c) => c.html(docsPage(description()), 200, { 'cache-control': 'no-cache' }));
  app.get('/docs/style.css', (c) => c.body(DOCS_STYLE, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=3600' }));
};
