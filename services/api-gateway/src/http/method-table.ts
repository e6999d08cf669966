import type { FastifyInstance } from 'fastify'

/** Which methods an address offers, noted while the routes are made: what tells a 405 from a 404. */
export class MethodTable {
  static readonly #tables = new WeakMap<FastifyInstance, MethodTable>()
  readonly #routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()

  /** The table of a server. The first call has to come before its first route. */
  static of(server: FastifyInstance): MethodTable {
    const known = MethodTable.#tables.get(server)
    if (known) return known
    const table = new MethodTable()
    MethodTable.#tables.set(server, table)
    server.addHook('onRoute', ({ url, method }) => table.#add(url, typeof method === 'string' ? [method] : method))
    return table
  }

  /** Every address pattern with its methods. */
  routes(): readonly (readonly [url: string, methods: readonly string[]])[] {
    return [...this.#routes].map(([url, { methods }]) => [url, [...methods]])
  }

  methodsOf(url: string): readonly string[] {
    const [path = ''] = url.split('?')
    return [...this.#routes.values()].filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => [...methods])
  }

  #add(url: string, methods: readonly string[]): void {
    if (url.includes('*')) return // Static files below a prefix: what is missing there is simply not found.
    const route = this.#routes.get(url) ?? { pattern: patternOf(url), methods: new Set() }
    for (const method of methods) route.methods.add(method)
    this.#routes.set(url, route)
  }
}

function patternOf(url: string): RegExp {
  const segments = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
  return new RegExp(`^${segments.join('/')}$`)
}
