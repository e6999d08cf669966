import { Param, type PipeTransform } from '@nestjs/common'
import { Problem } from '@lucihub/analog'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** What is not a UUID names no run: the same answer as for a run that is not there, or not yours. */
export function parseRunId(text: string): string {
  if (!UUID.test(text)) throw new Problem('not-found', `There is no run "${text.slice(0, 80)}".`)
  return text.toLowerCase()
}

const runIdPipe: PipeTransform<string, string> = { transform: parseRunId }

/** The id in `/runs/{id}`. */
export const RunId = () => Param('id', runIdPipe)
