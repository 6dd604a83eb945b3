import { CATALOGUE, type JobType, type ResourceCategory } from '@reelay/contracts';

export interface Requirement {
  type: JobType;
  resourceCategory: ResourceCategory;
  vramRequired: number;
  excludedNodes: readonly string[];
}

/**
 * Jobs of one class fit on exactly the same nodes and devices, so one verdict tells for all of them why they wait.
 * Must name everything that placement filters by.
 */
export const requirementClass = (job: Requirement): string => {
  const { needsLibrary, needsEncoder } = CATALOGUE[job.type];
  const needs = `${needsLibrary ? 'L' : ''}${needsEncoder ? 'E' : ''}`;
  const excluded = job.excludedNodes.length > 0 ? `:x=${job.excludedNodes.toSorted().join(',')}` : '';
  return `${job.resourceCategory}:${job.vramRequired}:${needs}${excluded}`;
};
