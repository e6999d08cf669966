/** The list file as a source: read at every turn, parsed when it changed. A list that cannot be read leaves the last one in force. */
import { readFile } from 'node:fs/promises'
import { Logger } from '@nestjs/common'
import { parseDeviceList, type ListedDevice } from '@lucihub/device'

export class ListFile {
  private readonly log = new Logger('ListFile')
  private text: string | null = null
  private trouble = ''
  private last: readonly ListedDevice[] = []

  /** `path` may be empty: then there is no list. */
  constructor(private readonly path: string) {}

  async candidates(): Promise<readonly ListedDevice[]> {
    if (this.path === '') return []
    try {
      const text = await readFile(this.path, 'utf8')
      if (text !== this.text) {
        this.text = text
        const { devices, errors } = parseDeviceList(text)
        this.last = devices
        this.log.log(`${this.path} names ${devices.length} endpoints`)
        for (const { line, message } of errors) this.log.warn(`${this.path}:${line}: ${message}`)
      }
      this.trouble = ''
    } catch (error) {
      const trouble = `${this.path} is not used: ${error instanceof Error ? error.message : String(error)}`
      if (trouble !== this.trouble) this.log.warn(trouble)
      this.trouble = trouble
    }
    return this.last
  }
}
