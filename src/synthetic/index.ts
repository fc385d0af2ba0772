/** Generated recordings, alone or as the files of the published data sets, and pictures of recordings. */
export type { Rhythm } from './beats.ts';
export { type DiagnosisName, diagnoses, makeShort } from './diagnoses.ts';
export { type DataSet, dataSets, type MakeDataOptions, makeData } from './make_data.ts';
export { drawRecording, type PictureOptions, type Traces } from './picture.ts';
export { type Episode, makeRecording, type Recording, type RecordingSettings } from './recording.ts';
export type { IcentiaForm } from './write_icentia.ts';
