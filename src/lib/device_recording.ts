/** One lead of a recording from a device. */
export interface DeviceLead {
  readonly name: string;
  readonly units: string;
  /** Decodes the samples, in `units`. Throws InputError for data that contradict their description. */
  read(): Float64Array;
}

/** A recording from a device: leads that begin together and have one rate. */
export interface DeviceRecording {
  /** Sampling rate (Hz). */
  readonly fs: number;
  readonly leads: readonly DeviceLead[];
  /** What the user should know, in words. */
  readonly warnings: readonly string[];
}
