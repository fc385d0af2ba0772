/** Finetuned networks as models for other programs: TensorFlow's SavedModel, and ONNX (docs/export.md). */
export { type ExportFormat, type ExportOptions, exportFormats, exportJob } from './export.ts';
export type { ExportMetadata } from './metadata.ts';
