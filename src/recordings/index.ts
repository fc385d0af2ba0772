/** Single recordings: WFDB, `.csv`, `.npy`, `.mat`, EDF, DICOM, GE MUSE and HL7 aECG files, one rate and one unit per lead. */
export type { Clock } from './clock.ts';
export { listRecordings, type NamedRecording, type RecordingFile, recordingFile } from './record_files.ts';
export {
  type Note,
  openRecording,
  type ReadOptions,
  type Recording,
  type RecordingFormat,
  readRecording,
  type StoredRecording,
  twelveLeads,
} from './recordings.ts';
