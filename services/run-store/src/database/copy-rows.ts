/** Rows in Postgres's binary format of COPY, taken apart: each field is a view of its bytes, integers big-endian. */
import { invariant } from '@lucihub/analog'

/** Signature (11 bytes), flags (4) and length of the header's extension (4). */
const HEADER_BYTES = 19
/** Field count that ends the rows. */
const TRAILER = -1

export function copyRowsOf(bytes: Buffer): Buffer[][] {
  invariant(bytes.toString('latin1', 0, 7) === 'PGCOPY\n', 'rows in the binary format of COPY')
  const rows: Buffer[][] = []
  let at = HEADER_BYTES + bytes.readUInt32BE(HEADER_BYTES - 4)
  for (;;) {
    const fields = bytes.readInt16BE(at)
    at += 2
    if (fields === TRAILER) return rows
    const row: Buffer[] = []
    for (let field = 0; field < fields; field++) {
      const length = bytes.readInt32BE(at)
      invariant(length >= 0, 'columns that are never null')
      at += 4
      row.push(bytes.subarray(at, at + length))
      at += length
    }
    rows.push(row)
  }
}
