/** Loaded before a service (`node --import`): shifts its wall clock by what a file says; monotonic time stays true. */
import { readFileSync } from 'node:fs'

const file = process.env.FAULTS_CLOCK_FILE
const real = Date.now
let offsetMs = 0
let lookedAt = -Infinity

function shifted() {
  const now = performance.now()
  if (file && now - lookedAt > 100) {
    lookedAt = now
    try {
      offsetMs = Number(readFileSync(file, 'utf8')) || 0
    } catch {
      // No file, no shift.
    }
  }
  return real() + offsetMs
}

const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(shifted())
    else super(...given)
  }
  static now() {
    return shifted()
  }
}
