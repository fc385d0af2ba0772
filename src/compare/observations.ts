import type { Estimates } from '../page/estimates_picture.ts';

/** A series of one side. `noise` is the original compared with itself: another seed, or float64. */
export interface Series {
  readonly name: string;
  readonly side: 'port' | 'original' | 'noise';
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** What a report shows beside its rows. Never part of the verdict. */
export type Observation =
  /** Curves over each other: losses by step, metrics by epoch. */
  | {
      readonly kind: 'curves';
      readonly title: string;
      readonly x: string;
      readonly y: string;
      readonly logarithmic?: boolean;
      readonly series: readonly Series[];
      readonly note?: string;
    }
  /** Estimates with intervals, a series for each way of making them. `ticks` are the places on the horizontal axis, at equal distances. */
  | {
      readonly kind: 'estimates';
      readonly title: string;
      /** Whether it is shown at the beginning, as scores are. */
      readonly headline?: boolean;
      readonly x: string;
      readonly y: string;
      readonly ticks: readonly { readonly at: number; readonly label: string }[];
      readonly series: readonly Estimates[];
      readonly note?: string;
    }
  /** Largest difference of each layer, in the order of the network, beside the limit. */
  | {
      readonly kind: 'layers';
      readonly title: string;
      readonly layers: readonly { readonly name: string; readonly difference: number }[];
      readonly limit: number;
    }
  /** Counts by true class (rows) and predicted class (columns). */
  | {
      readonly kind: 'confusion';
      readonly title: string;
      readonly classes: readonly string[];
      readonly port: readonly (readonly number[])[];
      readonly original: readonly (readonly number[])[];
    }
  /** Receiver operating characteristics: x is the false, y the true positive rate. */
  | { readonly kind: 'roc'; readonly title: string; readonly series: readonly Series[] }
  /** An excerpt of a recording (millivolts or normalised units, one array per lead) with the labels of both sides. */
  | {
      readonly kind: 'strip';
      readonly title: string;
      readonly fs: number;
      readonly leads: readonly { readonly name: string; readonly samples: readonly number[] }[];
      readonly truth: string;
      readonly port: string;
      readonly original: string;
    }
  /** Figures beside each other. */
  | {
      readonly kind: 'table';
      readonly title: string;
      /** Whether it is shown at the beginning, as scores are. */
      readonly headline?: boolean;
      readonly columns: readonly string[];
      readonly rows: readonly (readonly (string | number)[])[];
      readonly note?: string;
    };
