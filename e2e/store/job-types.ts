import type { RunningHub } from '../running-hub.ts'

/** Makes a type of job known: some recipe is for it. */
export async function knowJobType({ client }: RunningHub, jobType: string): Promise<void> {
  await client.records.putRecipe(jobType, { jobType, parameterSchema: {} })
}
