/** Numbers of pages as requests write them: `0-1,3`. */
import { Problem } from '@lucihub/analog'

/** Whether a page is meant. Problem `invalid-request` for what is malformed or goes backwards. */
export function pageNumbers(text: string): (number: number) => boolean {
  if (!/^\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*$/.test(text))
    throw new Problem(
      'invalid-request',
      `"${text.slice(0, 80)}" are no page numbers: send numbers and ranges as 0-1,3.`,
    )
  const ranges = text.split(',').map((part) => {
    const [first = 0, last = first] = part.split('-').map(Number)
    if (last < first)
      throw new Problem('invalid-request', `The range "${part}" goes backwards: send the smaller first.`)
    return { first, last }
  })
  return (number) => ranges.some(({ first, last }) => number >= first && number <= last)
}
