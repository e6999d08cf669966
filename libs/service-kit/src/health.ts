import { Global, Injectable, Module } from '@nestjs/common'

/** How long one check may take, ms. A check that hangs is a check that failed. */
const CHECK_TIMEOUT_MS = 3_000

export interface Readiness {
  readonly ready: boolean
  /** Result by check. */
  readonly checks: Readonly<Record<string, boolean>>
}

/** What the service needs to do its work; ready when every check says so. */
@Injectable()
export class Health {
  private readonly checks = new Map<string, () => Promise<boolean>>()

  /** A later check of the same name replaces the earlier one. */
  register(name: string, check: () => Promise<boolean>): void {
    this.checks.set(name, check)
  }

  async readiness(): Promise<Readiness> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await passes(check)] as const),
    )
    return { ready: results.every(([, passed]) => passed), checks: Object.fromEntries(results) }
  }
}

/** The one exception to "no global modules": there is one Health per process, and any feature may add a check. */
@Global()
@Module({ providers: [Health], exports: [Health] })
export class HealthModule {}

async function passes(check: () => Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_TIMEOUT_MS)
  })
  try {
    return await Promise.race([check(), late])
  } catch {
    return false // a check that throws says no; its owner logs why
  } finally {
    clearTimeout(timer)
  }
}
