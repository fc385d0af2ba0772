/** Sabotage: does the comparison notice errors in the port? */
export { runSabotage, type SabotageOptions } from './campaign.ts';
export { formatReport, formatSummary, resultAsJson, succeeded } from './report.ts';
