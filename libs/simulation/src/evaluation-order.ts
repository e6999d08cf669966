/**
 * The order in which algebraic elements can be evaluated: Tarjan's strongly connected components, which come out
 * dependencies first. A component with a cycle is an algebraic loop and has to be solved as a whole.
 */
import { inputsOf, type AlgebraicElement } from './network.ts'

export interface Group {
  readonly elements: readonly AlgebraicElement[]
  readonly loop: boolean
}

export function evaluationOrder(elements: readonly AlgebraicElement[]): Group[] {
  const byOutput = new Map(elements.map((element) => [element.output, element]))
  const groups: Group[] = []
  const index = new Map<AlgebraicElement, number>()
  const stack: AlgebraicElement[] = []

  const visit = (element: AlgebraicElement): number => {
    const number = index.size
    let lowest = number
    index.set(element, number)
    stack.push(element)
    for (const next of dependenciesOf(element, byOutput)) {
      const seen = index.get(next)
      if (seen === undefined) lowest = Math.min(lowest, visit(next))
      else if (stack.includes(next)) lowest = Math.min(lowest, seen)
    }
    if (lowest === number) {
      const component = stack.splice(stack.indexOf(element))
      const loop = component.length > 1 || dependenciesOf(element, byOutput).includes(element)
      groups.push({ elements: component, loop })
    }
    return lowest
  }
  for (const element of elements) if (!index.has(element)) visit(element)
  return groups
}

/** The groups that `outputs` depend on, in the same order. */
export function groupsFor(groups: readonly Group[], outputs: Iterable<number>): Group[] {
  const needed = new Set(outputs)
  const kept = groups.toReversed().filter(({ elements }) => {
    if (!elements.some(({ output }) => needed.has(output))) return false
    for (const element of elements) {
      for (const sum of inputsOf(element)) for (const { output } of sum.terms) needed.add(output)
    }
    return true
  })
  return kept.reverse()
}

function dependenciesOf(
  element: AlgebraicElement,
  byOutput: ReadonlyMap<number, AlgebraicElement>,
): AlgebraicElement[] {
  const outputs = inputsOf(element).flatMap(({ terms }) => terms.map(({ output }) => output))
  return outputs.map((output) => byOutput.get(output)).filter((found) => found !== undefined)
}
