/**
 * Every NATS subject. A node's identity is the token in the subject, never the payload:
 * the server lets a node publish on `node.<itsId>.*` and listen on `agent.<itsId>.*` only.
 *
 *   node.<id>.hello | heartbeat | started | log | done   request  node → any scheduler (queue group)
 *   node.<id>.progress                                    publish  node → gateways, schedulers
 *   agent.<id>.assign | cancel | pause | resume | drain   request  hub → node
 *   agent.<id>.processes | kill                           request  hub → node
 *   agent.<id>.session                                    request  gateway → node: on-demand transcodes
 *   hub.session.place | end                               request  gateway → any scheduler (queue group)
 *   hub.hint.place                                        publish  something changed: look at the queue
 *   hub.hint.outbox                                       publish  new audit rows: read the outbox
 *   hub.hint.locks                                        publish  a file is waited for, or free again
 *   hub.hint.upload                                       publish  a resumable upload is wanted by another request
 *   hub.streams                                           publish  gateway → gateways: its streams, as they change
 *   hub.gateway.<id>.streams | end-stream                 request  gateway → another: what it has, and ending one by hand
 *   hub.metrics                                           request  answered by the leader
 */
export const NODE_TOPICS = ['hello', 'heartbeat', 'started', 'log', 'done', 'progress'] as const;
export type NodeTopic = (typeof NODE_TOPICS)[number];
export const AGENT_TOPICS = ['assign', 'cancel', 'pause', 'resume', 'drain', 'processes', 'kill', 'session'] as const;
export type AgentTopic = (typeof AGENT_TOPICS)[number];

/** A node id is one subject token: no dots, wildcards or spaces. */
export const NODE_ID_PATTERN = /^[a-z0-9][a-z0-9_-]{0,62}$/;

/** What gateways ask each other. Nodes may neither ask nor answer there. */
export type GatewayTopic = 'streams' | 'end-stream';

export const subjects = {
  node: (nodeId: string, topic: NodeTopic): string => `node.${nodeId}.${topic}`,
  anyNode: (topic: NodeTopic): string => `node.*.${topic}`,
  agent: (nodeId: string, topic: AgentTopic): string => `agent.${nodeId}.${topic}`,
  hintPlace: 'hub.hint.place',
  hintOutbox: 'hub.hint.outbox',
  hintLocks: 'hub.hint.locks',
  hintUpload: 'hub.hint.upload',
  metrics: 'hub.metrics',
  streams: 'hub.streams',
  gateway: (gatewayId: string, topic: GatewayTopic): string => `hub.gateway.${gatewayId}.${topic}`,
  sessionPlace: 'hub.session.place',
  sessionEnd: 'hub.session.end',
} as const;

/** Queue group in which schedulers share the nodes' requests. */
export const SCHEDULER_GROUP = 'schedulers';

/** The node id in `node.<id>.<topic>`, or null when the subject has another shape. */
export const nodeIdOf = (subject: string): string | null => {
  const [head, id, topic, ...rest] = subject.split('.');
  return head === 'node' && id !== undefined && topic !== undefined && rest.length === 0 && NODE_ID_PATTERN.test(id) ? id : null;
};

/** Prefix of a node's private reply subjects: no node can read another's replies. */
export const nodeInboxPrefix = (nodeId: string): string => `_INBOX_${nodeId}`;
