/** What there is to draw of a run, independent of how it is drawn: every channel over time, and one against another. */

/** Minimum and maximum per bucket: an envelope that shows every peak, however long the run. */
export interface Trace {
  readonly label: string
  readonly unit: string
  readonly minimum: ArrayLike<number | null>
  readonly maximum: ArrayLike<number | null>
}

/** One channel against another. */
export interface Phase {
  readonly xLabel: string
  readonly yLabel: string
  readonly x: ArrayLike<number>
  readonly y: ArrayLike<number>
}

export interface Figure {
  readonly title: string
  readonly traces: readonly Trace[]
  /** Null with fewer than two channels. */
  readonly phase: Phase | null
  /** The first and last instant shown. */
  readonly time: { readonly from: number; readonly to: number; readonly label: string }
}
