import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { removeIfEmpty } from './cgroup.ts'
import { endLeftOver } from './left-over.ts'
import { parseRecord, type RunRecord } from './run-record.ts'

/**
 * The program that outlives mcpd by a moment. Its stdin is a pipe that only mcpd holds: each line is a record of a
 * process group, or `-<key>` when that group is gone. When the pipe ends, however mcpd ended, it ends what is left.
 */
const watched = new Map<string, RunRecord>()
/** Cgroups that those of programs were below. */
const places = new Set<string>()

// It must see the end of the pipe, so nothing that is sent to everybody at a shutdown ends it before.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})

for await (const line of createInterface({ input: process.stdin })) {
  const record = parseRecord(line)
  if (record?.cgroup !== undefined) places.add(dirname(record.cgroup))
  if (record !== undefined) watched.set(record.key, record)
  else if (line.startsWith('-')) watched.delete(line.slice(1))
}
const left = await endLeftOver([...watched.values()])
for (const place of places) removeIfEmpty(place)
process.exit(left.length === 0 ? 0 : 1)
