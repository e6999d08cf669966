/** The generated parser carries no types of its own. */
declare module '*/generated/parser.js' {
  export const parser: import('@lezer/lr').LRParser
}
