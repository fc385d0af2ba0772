/** The networks of the paper: build one from its description, or find out which one a weight file fits. */
export { type IdentifiedFile, identifyModel } from './identify.ts';
export { type BuildOptions, buildNetwork, describeModel, type Head, type ModelDescription } from './network.ts';
