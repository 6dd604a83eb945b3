import type { HttpBindings } from '@hono/node-server';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Ctx, Logger } from '@reelay/runtime';
import type { Principal } from '@reelay/store';
import type { Context } from 'hono';

/** Who sent the request, and how that was shown. */
export interface SignIn {
  principal: Principal;
  via: 'bearer' | 'cookie';
}

export interface AppEnv {
  /** Absent when a test calls `app.request()`. */
  Bindings: Partial<HttpBindings>;
  Variables: {
    requestId: string;
    logger: Logger;
    /** Ends with the request, or is cancelled with the cause: check it after every await that precedes work. */
    ctx: Ctx;
    /** Looked up once per request, on first need. */
    signIn: Promise<SignIn | null> | undefined;
  };
}
export type App = OpenAPIHono<AppEnv>;
export type RequestContext = Context<AppEnv>;
