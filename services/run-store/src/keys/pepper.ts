/**
 * The key of all keyed hashes. Without KEY_PEPPER it is made once and kept in the table `setting`: all replicas
 * share it there and nothing has to be mounted; since what is hashed under it is random, that costs no security a
 * stolen table could use. An installation that wants it elsewhere gives KEY_PEPPER_FILE from its first start.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { CONFIG, type RunStoreConfig } from '../config.ts'
import { Database, type Statement } from '../database/database.ts'
import { only } from '../runs/run-rows.ts'

const KEEP: Statement = {
  name: 'keep-pepper',
  text: `INSERT INTO setting (name, value) VALUES ('key-pepper', $1) ON CONFLICT DO NOTHING`,
}
const READ: Statement = { name: 'pepper', text: `SELECT value FROM setting WHERE name = 'key-pepper'` }

@Injectable()
export class Pepper {
  private value: Buffer | null = null

  constructor(
    private readonly database: Database,
    @Inject(CONFIG) private readonly config: RunStoreConfig,
  ) {}

  /** HMAC-SHA-256 of a random secret: what is stored of it. */
  async hmac(secret: string): Promise<Buffer> {
    this.value ??= await this.read()
    return createHmac('sha256', this.value).update(secret).digest()
  }

  private async read(): Promise<Buffer> {
    if (this.config.keyPepper !== '') return Buffer.from(this.config.keyPepper)
    await this.database.query(KEEP, [randomBytes(32)])
    return only(await this.database.query<{ readonly value: Buffer }>(READ)).value
  }
}
