import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../domain/kernel/clock.ts'
import type { Keyring, RecordRotation } from '../../domain/secret/keyring.ts'
import type { SealedValue } from '../../domain/secret/resource.ts'
import { openFileKeyStore } from './file-keyring.ts'
import { openKeyring } from './keyring.ts'
import { silent } from './testing/keyring-under-test.ts'

const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 10)
const KEYS = 25
const program = fileURLToPath(new URL('./testing/rotate-forever.ts', import.meta.url))

const start = async (dataFolder: string, record: RecordRotation = async () => {}): Promise<Keyring> =>
  openKeyring({
    store: await openFileKeyStore({ dataFolder }),
    dataFolder,
    env: {},
    clock: systemClock,
    logger: silent,
    record,
  })

/** Resolves when the program has written `count` characters more; it goes on meanwhile. */
const progress = async (child: ChildProcess, count: number): Promise<void> => {
  let errors = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  let seen = 0
  for await (const chunk of child.stdout ?? []) {
    seen += chunk.length
    if (seen >= count) return
  }
  throw new Error(`the program ended by itself: ${errors}`)
}

describe('a keyring whose program is killed while it rotates the master key', () => {
  it(`opens every value after each of ${ROUNDS} kills, and keeps no key of an unfinished rotation`, async () => {
    const dataFolder = await mkdtemp(join(tmpdir(), 'keyring-'))
    try {
      const first = await start(dataFolder)
      const values = new Map<string, SealedValue>()
      for (let i = 0; i < KEYS; i++) {
        const uid = randomUUID()
        values.set(uid, (await first.create(uid)).seal('K', uid))
      }
      for (let round = 0; round < ROUNDS; round++) {
        const child = spawn(process.execPath, ['--import', 'tsx', program, dataFolder], { stdio: 'pipe' })
        const ended = once(child, 'exit')
        try {
          await progress(child, randomInt(1, 3 * KEYS))
        } finally {
          child.kill('SIGKILL')
          await ended
        }
        const file = JSON.parse(await readFile(join(dataFolder, 'master.key'), 'utf8'))
        const finished: string[] = []
        const keyring = await start(dataFolder, async ({ from, to }) => void finished.push(`${from} ${to}`))
        expect(finished).toEqual(file.previous === undefined ? [] : [`${file.previous.id} ${file.current.id}`])
        for (const [uid, sealed] of values) expect((await keyring.open(uid)).open('K', sealed)).toBe(uid)
        expect(await keyring.check()).toBeGreaterThanOrEqual(KEYS)
        expect((await keyring.list()).every(({ masterKey }) => masterKey === keyring.masterKeyId())).toBe(true)
        const now = JSON.parse(await readFile(join(dataFolder, 'master.key'), 'utf8'))
        expect(Object.keys(now)).toEqual(['version', 'current'])
        const left = [...(await readdir(dataFolder)), ...(await readdir(join(dataFolder, 'keys')))]
        expect(left.filter((name) => name.endsWith('.tmp') || name.endsWith('.gone'))).toEqual([])
      }
    } finally {
      await rm(dataFolder, { recursive: true })
    }
  }, 120_000)
})
