const HEADER = 8

/**
 * Takes a container's output apart. The engine sends stdout and stderr on one connection in frames: a byte that says
 * which, three of nothing, the length (big-endian), the bytes. Bytes are passed on as they come, without a copy and
 * without waiting for the end of a frame.
 */
export const frameReader = (on: { stdout: (bytes: Buffer) => void; stderr: (bytes: Buffer) => void }) => {
  let header: Buffer = Buffer.alloc(0)
  let left = 0
  let sink = on.stdout

  return (chunk: Buffer): void => {
    let at = 0
    while (at < chunk.length) {
      if (left === 0) {
        const more = chunk.subarray(at, at + HEADER - header.length)
        header = header.length === 0 ? more : Buffer.concat([header, more])
        at += more.length
        if (header.length < HEADER) return
        left = header.readUInt32BE(4)
        sink = header[0] === 2 ? on.stderr : on.stdout
        header = Buffer.alloc(0)
        continue
      }
      const bytes = chunk.subarray(at, at + left)
      at += bytes.length
      left -= bytes.length
      sink(bytes)
    }
  }
}
