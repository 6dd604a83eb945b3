import { nodeInboxPrefix } from './subjects.ts';

export interface SubjectPermissions {
  publish: string[];
  subscribe: string[];
  /** May answer each request it received this many times, within `responseSeconds`. */
  responses: number;
  responseSeconds: number;
}

/** What one node may say and hear: its own subjects, its own inbox, and answers to what it was asked. */
export const nodePermissions = (nodeId: string): SubjectPermissions => ({
  publish: [`node.${nodeId}.*`],
  subscribe: [`agent.${nodeId}.*`, `${nodeInboxPrefix(nodeId)}.>`],
  responses: 1,
  responseSeconds: 30,
});
