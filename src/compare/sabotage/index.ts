/** Sabotage: does the comparison notice an error in the port? */
export { runSabotage, type SabotageOptions, type SabotageResult, type Tried } from './campaign.ts';
export { namedMutants } from './named.ts';
export { formatReport, formatSummary, resultAsJson, succeeded, tally } from './report.ts';
