/** Every bound of the device and of a run, once, with its unit. Sources: device manual, firmware 2 limits. */

/** Lanes per cluster: paths U -> C -> I. */
export const LANES = 32
/** Lanes below this never leave their cluster; T block and backplane switch the others. */
export const LOCAL_LANES = 8
/** Lanes that one block of a backplane (ST0, ST1, ST2) switches. */
export const BACKPLANE_BLOCK_LANES = 8
/** Carriers that share one backplane. */
export const BACKPLANE_PLACES = 7
/** Input ports of a front panel; port p takes the place of lane {@link FIRST_PORT_LANE} + p at the I block. */
export const PORTS = 8
export const FIRST_PORT_LANE = 24
/** Outputs and inputs of the two M blocks of a cluster ("clanes"). */
export const CLANES = 16
/** Inputs (and outputs) of one M block. */
export const M_BLOCK_WIDTH = 8
/** ADC channels of one carrier. */
export const ADC_CHANNELS = 8
/** Largest coefficient in one lane before upscaling. */
export const COEFFICIENT_MAX = 1
/** Gain of an upscaled lane, by protocol generation. */
export const UPSCALING = { protobuf: 8, jsonLines: 10 } as const
/** Integrator rates k0 in 1/s: with rate k0 an input of 1 moves the output by k0 machine units per second. */
export const INTEGRATOR_RATES = [100, 10_000] as const
export type IntegratorRate = (typeof INTEGRATOR_RATES)[number]
/** A clane that a constant may stand in for: 15 on lanes 0..15, 14 on lanes 16..31. */
export const CONSTANT_CLANE = { lowLanes: 15, highLanes: 14 } as const
/** First lane of the upper half. */
export const UPPER_LANES = 16
/** Where the ADC clips, in machine units. */
export const ADC_FULL_SCALE = 1.25
/** Codes of the 14-bit ADC run from 0 (+1.25) to this (-1.25). */
export const ADC_CODE_MAX = 16_383

/** Bounds of one run. Times in ns, rates in samples per second and channel. */
export const RUN_LIMITS = {
  opTimeNs: { min: 100, max: 9_000_000_000 },
  icTimeNs: { min: 100, max: 9_000_000_000, default: 100_000 },
  /** 1/s per channel. */
  sampleRateHz: { min: 32, max: 500_000, default: 10_000 },
  /** Samples of all channels together: 9 s at full rate on 8 channels. */
  samples: { max: 36_000_000 },
  attempts: { min: 1, max: 5, default: 2 },
  /** Bytes of analang source. */
  sourceBytes: { max: 65_536 },
  titleLength: { max: 200 },
  /** Parts of one run, and of one that runs on devices. */
  shards: { min: 1, max: 1_024 },
  deviceShards: { max: 64 },
  /** Total of a run that is divided, in its own unit. */
  requestedWork: { max: 1_000_000_000_000_000 },
  timeoutS: { min: 1, max: 2_592_000 },
  tags: { max: 32, length: 64 },
  notesLength: { max: 10_000 },
  /** Bytes of the JSON of an input, or of parameters. */
  inputBytes: { max: 917_504 },
  runNo: { max: 1_000_000_000 },
} as const
