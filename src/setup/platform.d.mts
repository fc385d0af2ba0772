/** Types of `platform.mjs`, for its tests. */
export function checkPlatform(platform?: string, architecture?: string, node?: string): void;
