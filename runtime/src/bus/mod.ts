export type { Bus, BusStats, BusStatus, BusSubscription, MessageInfo, RequestOptions, ServeOptions, SubscribeOptions } from './bus.ts';
export { connectBus, type ConnectBusOptions } from './connect.ts';
export * from './errors.ts';
export { LiveCredentials, type LiveCredentialsOptions } from './live-credentials.ts';
