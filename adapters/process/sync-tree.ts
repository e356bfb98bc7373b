import { open, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** Files flushed at the same time: each takes a thread of the pool that all file access of the process shares. */
const CONCURRENCY = 2

async function* entriesOf(folder: string): AsyncGenerator<string> {
  for await (const entry of await opendir(folder)) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* entriesOf(path)
    else if (entry.isFile()) yield path
  }
  yield folder
}

export const syncPath = async (path: string): Promise<void> => {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Flushes every file and folder below `folder` and itself to the disk: a crash of the machine leaves them whole. */
export const syncTree = async (folder: string): Promise<void> => {
  const entries = entriesOf(folder)
  const worker = async () => {
    // An async generator queues its callers, so the workers share it.
    for (let next = await entries.next(); !next.done; next = await entries.next()) await syncPath(next.value)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
}
