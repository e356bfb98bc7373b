import { concurrently, DEADLINE_MS, indexesOf, partsOf, type Report, type Selection } from './cases.ts'
import { createDice, type Dice, seedOf } from './dice.ts'
import { excerpt, type Finding } from './findings.ts'
import type { Target } from './target.ts'
import { exchange, TookTooLong, type WireRequest } from './wire.ts'

const FAMILY = 'streams'

const CONCURRENCY = 8

/** Opens what stays open — long polls, logs that are followed, streams of events — and leaves it at some moment, or asks for it wrongly. */
export const fuzzStreams = async (target: Target, selection: Selection): Promise<Report> => {
  const findings: Finding[] = []
  const counts = new Map<string, number>()
  const head = await target.head()
  const instances = await instancesOf(target)
  for (const [name, make] of Object.entries(PARTS)) {
    if (!partsOf(selection, [name]).includes(name)) continue
    const indexes = indexesOf(selection)
    counts.set(name, indexes.length)
    await concurrently(indexes, CONCURRENCY, async (next) => {
      for (let i = next(); i !== undefined; i = next()) {
        const dice = createDice(seedOf(selection.seed, FAMILY, name, i))
        const { path, headers } = make(dice, { head, instances })
        const url = name === 'events' ? target.mcplocal : target.server
        const request = written(dice, url, path, { authorization: `Bearer ${target.token}`, ...headers })
        const what = await wrongOf(url, request)
        if (what !== undefined)
          findings.push({ family: FAMILY, part: name, index: i, what, sent: excerpt(request.bytes) })
      }
    })
  }
  return { counts, findings }
}

interface World {
  readonly head: bigint
  readonly instances: readonly string[]
}
interface Asked {
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

const PARTS: Readonly<Record<string, (dice: Dice, world: World) => Asked>> = {
  watch: (dice, { head }) => {
    const kind = dice.pick(['servers', 'instances', 'secrets', 'projects', 'secretbackends'])
    const after = dice.pick([String(head), String(head + 1_000n), '0', '9999999999999999999', '-1', 'x', ''])
    return { path: `/api/v1/${kind}?changedAfter=${after}&timeoutSeconds=${dice.pick([1, 30, 30, 31, 0])}` }
  },
  logs: (dice, { instances }) => {
    const name = dice.pick([...instances, ...instances, 'none'])
    const tail = dice.pick(['', '&tail=0', '&tail=100000', '&tail=-1', '&previous=true', '&since=2999-01-01T00:00:00Z'])
    const what = dice.chance(0.5) ? `servers/${dice.pick(['everything', 'files', 'none'])}` : `instances/${name}`
    return { path: `/api/v1/${what}/logs?follow=${dice.pick(['true', 'true', 'false', '1'])}${tail}` }
  },
  events: (dice) => ({
    path: '/projects/demo/mcp',
    headers: {
      accept: 'text/event-stream',
      'mcp-session-id': dice.pick(['none', '']),
      'last-event-id': dice.pick(['', '0', '-1', '99999999999999999999', 'x'.repeat(4_000), '{"a":1}', '../x']),
    },
  }),
}

const written = (dice: Dice, url: URL, path: string, headers: Readonly<Record<string, string>>): WireRequest => {
  const lines = Object.entries({ host: url.host, ...headers }).map(([key, value]) => `${key}: ${value}\r\n`)
  const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  return { bytes, leaveAfterMs: dice.below(80) }
}

const wrongOf = async (url: URL, request: WireRequest): Promise<string | undefined> => {
  try {
    const { status, body } = await exchange(url, request, DEADLINE_MS)
    return status >= 500 ? `answered with ${status}: ${body.slice(0, 200)}` : undefined
  } catch (error) {
    if (error instanceof TookTooLong) return error.message
    throw error
  }
}

const instancesOf = async ({ server, token }: Target): Promise<readonly string[]> => {
  const headers = { authorization: `Bearer ${token}` }
  const answer = await fetch(new URL('/api/v1/instances', server), { headers })
  const { items } = (await answer.json()) as { items: readonly { metadata: { name: string } }[] }
  return items.map(({ metadata }) => metadata.name)
}
