/** The module that an edge runtime loads. */
import { createEdge } from './edge.ts';

interface Env {
  /** Origins of the gateways, separated by spaces. */
  REELAY_GATEWAYS: string;
  /** The lines of REELAY_SECRET_FILE; left out, the gateways judge every token. */
  REELAY_SECRET?: string;
  /** `off` where the runtime has no cache behind its Cache API. */
  REELAY_CACHE_API?: string;
}

interface Runtime {
  waitUntil: (work: Promise<unknown>) => void;
  passThroughOnException: () => void;
  props: unknown;
}

/** Of some runtimes alone. */
const defaultCache = (): Cache | null => ('caches' in globalThis && 'default' in caches && caches.default instanceof Cache ? caches.default : null);

let app: ReturnType<typeof createEdge> | undefined;

export default {
  fetch: (request: Request, env: Env, runtime: Runtime): Response | Promise<Response> => {
    app ??= createEdge({
      gateways: env.REELAY_GATEWAYS, secret: env.REELAY_SECRET ?? null, fetch: (input, init) => fetch(input, init), cache: env.REELAY_CACHE_API === 'off' ? null : defaultCache(), now: () => Date.now(),
    });
    return app.fetch(request, {}, runtime);
  },
};
