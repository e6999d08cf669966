/** The whole corpus, measured, as its page. */
import { readCorpus } from './entry.ts'
import { measure } from './measure.ts'
import { corpusPage, isRight } from './table.ts'

const SAMPLES = 2_000

/** `progress` hears the name of each program before its turn. */
export function measureCorpus(
  folder: string,
  { progress }: { progress: (name: string) => void },
): { readonly page: string; readonly right: number; readonly wrong: readonly string[] } {
  const results = readCorpus(folder).map((entry) => {
    progress(entry.name)
    return measure(entry, { samples: SAMPLES, clock: processorMs })
  })
  const wrong = results.filter((result) => !isRight(result)).map(({ entry }) => entry.name)
  return { page: corpusPage(results), right: results.length - wrong.length, wrong }
}

/** Processor time rather than time passed: what else the machine does is no part of a compilation. */
function processorMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
