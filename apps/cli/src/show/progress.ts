/**
 * How a run is getting on, on stderr: one line that is rewritten on a terminal, a line per change otherwise, so that
 * a log file stays readable.
 */
import type { DevicePhase, RunState } from '@lucihub/analog'
import { formatCount } from './duration.ts'
import { printable, shorten } from './text.ts'

export interface Progress {
  readonly state: RunState
  readonly phase: DevicePhase | null
  /** Samples per channel so far, and as many as there will be. */
  readonly samples: number
  readonly expected: number
  readonly note: string
}

export interface ProgressLine {
  show(progress: Progress): void
  /** Something that should stay: printed above the line. */
  say(text: string): void
  /** Takes the line away. */
  clear(): void
}

export interface ProgressScreen {
  readonly write: (text: string) => void
  /** True on a terminal. */
  readonly rewritable: boolean
  readonly columns: number
}

const BAR = 24
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const

export function progressLine({ write, rewritable, columns }: ProgressScreen): ProgressLine {
  let last = ''
  const erase = (): void => {
    if (rewritable && last !== '') write('\r\u001b[2K')
  }
  return {
    show(progress) {
      const line = shorten(rewritable ? liveText(progress) : changeText(progress), Math.max(20, columns - 1))
      if (line === last) return
      erase()
      write(rewritable ? line : `${line}\n`)
      last = line
    },
    say(text) {
      erase()
      write(`${printable(text)}\n`)
      if (rewritable) write(last)
    },
    clear() {
      erase()
      last = ''
    },
  }
}

/** `RUNNING OP ████▌        42 %  4 200 / 10 000 samples`. */
export function liveText(progress: Progress): string {
  const { samples, expected } = progress
  const part = expected > 0 ? Math.min(1, samples / expected) : 0
  const percent = `${Math.floor(part * 100)} %`.padStart(5)
  return `${changeText(progress)}  ${bar(part)} ${percent}  ${formatCount(samples)} / ${formatCount(expected)} samples`
}

function changeText({ state, phase, note }: Progress): string {
  const annotated = state === 'RUNNING' && phase ? `${state} ${phase}` : state
  return note ? `${annotated} (${printable(note)})` : annotated
}

/** A bar in eighths of a character. */
export function bar(part: number): string {
  const eighths = Math.round(part * BAR * 8)
  const full = '█'.repeat(eighths >> 3) + (EIGHTHS[eighths & 7] ?? '')
  return full.padEnd(BAR)
}
