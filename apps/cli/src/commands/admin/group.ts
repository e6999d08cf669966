import type { Command } from 'commander'
import { group, type Shell } from '../../command.ts'

/** `lucihub admin <noun>`. */
export function adminGroup({ program }: Shell, noun: string, summary: string): Command {
  return group(group(program, 'admin', 'Look after the hub: for its administrators.'), noun, summary)
}
