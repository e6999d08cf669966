/** Drops what uploads left behind: parts that were never made a file, and content that no file names any more. */
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common'
import { Database, sqlState, type Statement } from '../database/database.ts'

const SWEEP_MS = 600_000

/** Content may be waiting for the file that a running upload makes of it: it goes only when it has been there for an hour. */
const SWEEP: Statement = {
  name: 'blob-sweep',
  text: `DELETE FROM blob WHERE id IN (
      SELECT b.id FROM blob b
      WHERE (b.sha256 IS NULL AND b.created_at < now() - interval '1 day')
        OR (b.sha256 IS NOT NULL AND b.created_at < now() - interval '1 hour' AND NOT EXISTS (SELECT FROM file f WHERE f.sha256 = b.sha256))
      LIMIT 100)`,
}

@Injectable()
export class BlobSweeper implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(BlobSweeper.name)
  private timer: NodeJS.Timeout | undefined

  constructor(private readonly database: Database) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.sweep(), SWEEP_MS)
    this.timer.unref()
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer)
  }

  async sweep(): Promise<void> {
    try {
      await this.database.query(SWEEP)
    } catch (error) {
      // 23503: a file took the content just now. Whatever it was, the next time tries again.
      if (sqlState(error) !== '23503') this.logger.warn(`Blobs were not swept: ${String(error)}`)
    }
  }
}
