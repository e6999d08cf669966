/** The operating system's code of a failure, such as `ENOENT`; null when it has none. Asks for no class: realms differ. */
export function systemCode(failure: unknown): string | null {
  return typeof failure === 'object' && failure !== null && 'code' in failure && typeof failure.code === 'string'
    ? failure.code
    : null
}
