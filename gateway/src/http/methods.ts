import type { App } from './env.ts';

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const;

/** Methods that some route takes for this path; empty when there is no route at all. */
export const allowedMethods = (app: App, path: string): string[] => {
  const allowed = METHODS.filter((method) => {
    const [handlers] = app.router.match(method, path);
    // Middleware is registered for every method and says nothing.
    return handlers.some(([[, route]]) => route.method === method);
  });
  return allowed.includes('GET') ? [...allowed, 'HEAD'] : [...allowed];
};
