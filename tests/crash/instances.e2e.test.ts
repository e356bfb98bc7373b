import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { specHash } from '../../commands/reactors/spec-hash.ts'
import { leadersIn } from '../testing/leaders.ts'
import { type Seeded, seeded } from '../testing/seeded.ts'
import { type Api, api } from './testing/api.ts'
import { issueToken, launchMcpd } from './testing/launched-mcpd.ts'
import { expectGone, expectNobodyIn, expectTidy, familyOf } from './testing/leftovers.ts'
import { polite, stubborn } from './testing/programs.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(10)
const NAMES = ['a', 'b', 'c', 'd']
/** Longest time that a mcpd lives after it is ready, in ms: as long as a start, a stop or a rolling change may take. */
const LONGEST_LIFE_MS = 1200
const SETTLED = { timeout: 60_000, interval: 50 }

describe(`mcpd that is killed while its servers start, stop and roll (seed ${seed})`, {
  timeout: deadline(ROUNDS),
}, () => {
  it(`has instances as the specs say after ${ROUNDS} kills, none of them twice, and none left running`, () =>
    inTrialFolder('instances', async (dataFolder) => {
      const random = seeded(`${seed}/instances`)
      const token = await issueToken(dataFolder)
      for (let round = 0; round < ROUNDS; round += 1) {
        const mcpd = launchMcpd(dataFolder)
        const { url } = await mcpd.ready
        const client = api(url, token)
        for (const change of changes(random, round)) await change(client)
        await pause(random.int(LONGEST_LIFE_MS)) // the moment is the point: it has no condition
        const family = familyOf(mcpd.pid, dataFolder)
        await mcpd.end()
        if (random.pick([true, false])) await expectGone(family) // else the next one meets what is still ending
        if (round % 5 === 4 || round === ROUNDS - 1) await expectAsDeclared(dataFolder, token)
      }
    }))
})

/** Some changes of what is wanted, none of which is waited for. */
const changes = (random: Seeded, round: number): readonly ((client: Api) => Promise<unknown>)[] =>
  Array.from({ length: 1 + random.int(4) }, () => {
    const name = random.pick(NAMES)
    if (random.int(5) === 0) return (client: Api) => client.send('DELETE', `servers/${name}`, { noWait: true })
    const spec = {
      ...random.pick([polite, polite, stubborn]),
      replicas: random.int(4),
      env: [{ name: 'ROUND', value: `${random.pick([round, 0])}` }],
    }
    return (client: Api) => client.send('PUT', `servers/${name}`, { body: { metadata: { name }, spec }, noWait: true })
  })

const rows = z.object({
  items: z.array(
    z.object({
      metadata: z.object({ name: z.string() }),
      spec: z.record(z.string(), z.json()),
      status: z.record(z.string(), z.json()).optional(),
    }),
  ),
})
const list = async (client: Api, plural: string) => rows.parse(await client.read(`${plural}?limit=1000`)).items

/** One more start, undisturbed: what runs is what is declared. */
const expectAsDeclared = async (dataFolder: string, token: string): Promise<void> => {
  const mcpd = launchMcpd(dataFolder)
  try {
    const { url } = await mcpd.ready
    const client = api(url, token)
    await expect.poll(() => differences(client, dataFolder), SETTLED).toEqual([])
    await expectTidy(client, dataFolder)
  } finally {
    await mcpd.end('SIGTERM')
  }
  await expectNobodyIn(dataFolder)
}

/** What is not as it should be, a line each. */
const differences = async (client: Api, dataFolder: string): Promise<readonly string[]> => {
  const servers = await list(client, 'servers')
  const instances = await list(client, 'instances')
  const wrong: string[] = []
  for (const { metadata, spec, status = {} } of servers) {
    const own = instances.filter((each) => each.spec.server === metadata.name)
    if (own.length !== spec.replicas) wrong.push(`${metadata.name}: ${own.length} of ${spec.replicas}`)
    for (const each of own) {
      if (each.status?.phase !== 'running') wrong.push(`${each.metadata.name}: ${each.status?.phase}`)
      if (each.spec.specHash !== specHash({ spec, status })) wrong.push(`${each.metadata.name}: has another spec`)
    }
  }
  const names = new Set(servers.map(({ metadata }) => metadata.name))
  for (const { metadata, spec } of instances)
    if (!names.has(String(spec.server))) wrong.push(`${metadata.name}: its server is gone`)
  const leaders = leadersIn(join(dataFolder, 'work'))
  for (const { metadata } of instances)
    if (leaders.filter((each) => each === metadata.name).length !== 1) wrong.push(`${metadata.name}: not one program`)
  if (leaders.length !== instances.length) wrong.push(`${leaders.length} programs, ${instances.length} instances`)
  return wrong
}
