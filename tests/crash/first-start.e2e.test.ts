import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { seeded } from '../testing/seeded.ts'
import { api } from './testing/api.ts'
import { issueToken, launchMcpd } from './testing/launched-mcpd.ts'
import { expectTidy } from './testing/leftovers.ts'
import { differences, takePicture } from './testing/picture.ts'
import { readLog } from './testing/replay.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(5)

describe(`mcpd that is killed during its first start (seed ${seed})`, { timeout: deadline(ROUNDS) }, () => {
  it(`starts again, and its administrator gets in, ${ROUNDS} times`, () =>
    inTrialFolder('first-start', async (folder) => {
      const random = seeded(`${seed}/first-start`)
      const whole = launchMcpd(join(folder, 'whole'))
      const { startMs } = await whole.ready
      await whole.end()
      for (let round = 0; round < ROUNDS; round++) {
        const dataFolder = join(folder, String(round))
        const printed: string[] = []
        for (let kills = random.pick([1, 1, 2]); kills > 0; kills--) {
          const killed = launchMcpd(dataFolder)
          await pause(random.int(Math.ceil(startMs * 1.1))) // the moment is the point: it has no condition
          await killed.end()
          printed.push(...[killed.token].filter((token) => token !== ''))
        }
        await expectWhole(dataFolder, printed)
      }
    }))
})

/** Starts a folder whose first starts were killed, and sees that nothing is missing or there twice. */
const expectWhole = async (dataFolder: string, printed: readonly string[]): Promise<void> => {
  const made = (await logOf(dataFolder)).some(({ type }) => type === 'AdminBootstrapped')
  expect(printed.length).toBeLessThanOrEqual(made ? 1 : 0)
  // Made and never shown: the kill came in between. Then there is another way in.
  const given = made ? (printed[0] ?? (await issueToken(dataFolder))) : undefined
  const mcpd = launchMcpd(dataFolder)
  try {
    const { url } = await mcpd.ready
    if (given === undefined) await expect.poll(() => mcpd.token, { timeout: 10_000 }).not.toBe('')
    else expect(mcpd.token).toBe('')
    const client = api(url, given ?? mcpd.token)
    const body = { metadata: { name: 'a' }, spec: { data: { VALUE: 'v' } } }
    expect((await client.send('POST', 'secrets', { body }))?.status).toBe(201)
    expect(await client.read('secrets/a/values')).toEqual({ values: { VALUE: 'v' } })
    const picture = await takePicture(client, 0n, ['projects/mcpctl-system', 'secretbackends/default'])
    expect([...picture.lists].map(([plural, { items }]) => [plural, items.length])).toEqual([
      ['secretbackends', 1],
      ['secrets', 1],
      ['templates', 11],
      ['servers', 0],
      ['instances', 0],
      ['projects', 1],
    ])
    await expectTidy(client, dataFolder)
    await mcpd.end()
    expect(differences(picture, await readLog(dataFolder))).toEqual([])
  } finally {
    await mcpd.end()
  }
}

/** Its log as far as there is one. */
const logOf = async (dataFolder: string) => {
  const there = await stat(join(dataFolder, 'log', 'data.mdb')).catch(() => undefined)
  return there === undefined ? [] : readLog(dataFolder)
}
