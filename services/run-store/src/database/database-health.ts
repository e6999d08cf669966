import { Injectable } from '@nestjs/common'
import { Health } from '@lucihub/service-kit'
import { Database } from './database.ts'

/** Ready only while Postgres answers. Redis does not count: it may be away. */
@Injectable()
export class DatabaseHealth {
  constructor(health: Health, database: Database) {
    health.register('postgres', () => database.healthy())
  }
}
