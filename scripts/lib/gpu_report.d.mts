/** Types of `gpu_report.mjs`, for its tests. */

export function describeBench(json: string): string[];
export function describeUse(samples: string, events: string, frames: number): string[];
