import { commonSettings, defineSettings, flag, type Settings, type SettingsCheck, unlessSetOrUnset } from '@reelay/runtime';
import { z } from 'zod';

const GIB = 1024 ** 3;
const seconds = (byDefault: number) => z.coerce.number().min(1).max(86_400).default(byDefault);

/** Every variable the gateway reads. */
export const gatewaySettings = defineSettings({
  ...commonSettings,
  PORT: { schema: z.coerce.number().int().min(0).max(65_535).default(4100), doc: 'TCP port of the HTTP server; 0 picks a free one.' },
  HOST: { schema: z.string().min(1).default('0.0.0.0'), doc: 'Address the HTTP server listens on.' },
  REELAY_ADMIN_PASSWORD: { schema: z.string().min(8).max(1000).optional(), doc: 'Password of the first user `admin`; generated and kept in a file when left out. Read at the very first start alone.', secret: true, firstStartOnly: true },
  REELAY_WEB_DIR: { schema: z.string().min(1).optional(), doc: 'Folder with the built web client; without it the gateway serves the API alone.' },
  REELAY_LOCAL_PORT: { schema: z.coerce.number().int().min(1).max(65_535).optional(), doc: 'Also listen here, on loopback alone and without TLS: for programs of this host, such as a health check or a local agent, that need not know the certificate.' },
  REELAY_MAX_UPLOAD_BYTES: { schema: z.coerce.number().int().min(1).default(200 * GIB), doc: 'Largest upload, in bytes.', reloadable: true },
  REELAY_UPLOAD_KEEP_HOURS: { schema: z.coerce.number().min(1).max(8760).default(24), doc: 'Hours after which an unfinished resumable upload is removed.', reloadable: true },
  REELAY_TLS_CERT: { schema: z.string().min(1).optional(), doc: 'Path of the TLS certificate (PEM); together with REELAY_TLS_KEY the server speaks HTTPS. Read again on reload: new connections get the new one.', reloadable: unlessSetOrUnset },
  REELAY_TLS_KEY: { schema: z.string().min(1).optional(), doc: 'Path of the TLS key (PEM). Read again on reload.', reloadable: unlessSetOrUnset },
  REELAY_HEADER_TIMEOUT_SECONDS: { schema: seconds(30), doc: 'A client must have sent its request headers within this time.', reloadable: true },
  REELAY_IDLE_TIMEOUT_SECONDS: { schema: seconds(75), doc: 'An idle keep-alive connection is closed after this time.', reloadable: true },
  REELAY_STALL_TIMEOUT_SECONDS: { schema: seconds(120), doc: 'A client that neither reads what it asked for nor sends what it announced is cut off after this time.', reloadable: true },
  REELAY_DRAIN_SECONDS: { schema: z.coerce.number().min(0).max(600).default(0), doc: 'Before it stops, a gateway serves on for so long while /readyz says 503, so that balancers look elsewhere; 5 behind deploy/edge. It comes on top of the time to stop.' },
  REELAY_STARTUP_WAIT_SECONDS: { schema: seconds(30), doc: 'How long to wait for Postgres and NATS when starting.' },
  REELAY_SESSION_DAYS: { schema: z.coerce.number().min(0.01).max(365).default(14), doc: 'Days a sign-in lasts; those that were made keep their end.', reloadable: true },
  REELAY_SIGNED_HOURS: { schema: z.coerce.number().min(0.01).max(8760).default(12), doc: 'Hours for which a signed address of a video is good; longer for a film that plays longer. A new one can be had at any time.', reloadable: true },
  REELAY_HEARTBEAT_SECONDS: { schema: z.coerce.number().min(0.05).max(300).default(3), doc: 'How often nodes say that they are alive, as told to the scheduler: three missed ones, and at least 10 s, and /readyz counts a node no longer.', reloadable: true },
  REELAY_GATEWAY_NAME: { schema: z.string().min(1).max(100).optional(), doc: 'Name of this gateway where people read who uses a file; host name and port when left out.' },
  REELAY_VIEWER_LINGER_SECONDS: { schema: z.coerce.number().min(0).max(600).default(25), doc: 'A viewer counts as watching for so long after the last request, and the file is not moved or deleted under them.' },
  REELAY_CACHE_DIR: { schema: z.string().min(1).optional(), doc: 'Folder for encoded segments; `segments` in the data folder when left out. What is in it may be deleted at any time while the gateway is off.' },
  REELAY_CACHE_MB: { schema: z.coerce.number().min(10).max(100_000_000).default(20_000), doc: 'Encoded segments kept on the disk, in MB; at most half of what is free there at the start. The least recently watched go first.' },
  REELAY_CACHE_MEMORY_MB: { schema: z.coerce.number().min(0).max(1_000_000).default(256), doc: 'Segments kept in memory, in MB, in front of the disk.' },
  REELAY_NODES_URL: { schema: z.string().regex(/^https?:\/\/.+/, { error: 'expected an http or https URL' }).optional(), doc: 'Where node agents reach this very gateway, to send it what they encode; needed where several gateways share the address that agents know (`REELAY_GATEWAY_URL`).' },
  REELAY_TRUST_PROXY: { schema: flag(false), doc: 'Believe X-Forwarded-For and X-Forwarded-Proto; set it only behind a proxy of your own.', reloadable: true },
});
export type GatewaySettings = Settings<typeof gatewaySettings>;

/** What must hold between the settings. */
export const checkGatewaySettings: SettingsCheck<typeof gatewaySettings> = ({ REELAY_TLS_CERT: cert, REELAY_TLS_KEY: key }) =>
  (cert === undefined) === (key === undefined) ? [] : [{ name: cert === undefined ? 'REELAY_TLS_CERT' : 'REELAY_TLS_KEY', message: 'REELAY_TLS_CERT and REELAY_TLS_KEY must be given together' }];
