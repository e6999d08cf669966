/** What `use math;` brings: functions and constants, by the names that mathematics gives them. */

export const FUNCTIONS = {
  sin: { arity: 1, apply: Math.sin },
  cos: { arity: 1, apply: Math.cos },
  tan: { arity: 1, apply: Math.tan },
  exp: { arity: 1, apply: Math.exp },
  log: { arity: 1, apply: Math.log },
  sqrt: { arity: 1, apply: Math.sqrt },
  tanh: { arity: 1, apply: Math.tanh },
  sinh: { arity: 1, apply: Math.sinh },
  cosh: { arity: 1, apply: Math.cosh },
  atan: { arity: 1, apply: Math.atan },
  abs: { arity: 1, apply: Math.abs },
  sign: { arity: 1, apply: Math.sign },
  pow: { arity: 2, apply: Math.pow },
} as const satisfies Record<string, { readonly arity: number; apply(...values: number[]): number }>

export type FunctionName = keyof typeof FUNCTIONS

export const MATH_CONSTANTS: Readonly<Record<string, number>> = { pi: Math.PI }

export function isFunction(name: string): name is FunctionName {
  return Object.hasOwn(FUNCTIONS, name)
}

export function isMathName(name: string): boolean {
  return isFunction(name) || Object.hasOwn(MATH_CONSTANTS, name)
}

/** The function at these arguments; NaN where it is not defined. */
export function applyFunction(name: FunctionName, values: readonly number[]): number {
  const apply: (...values: number[]) => number = FUNCTIONS[name].apply
  return apply(...values)
}
