import { cp } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, onTestFailed, onTestFinished } from 'vitest'
import type { Seeded } from '../../testing/seeded.ts'
import { type Api, api } from './api.ts'
import { type LaunchedMcpd, launchMcpd } from './launched-mcpd.ts'
import { createLedger, type Ledger } from './ledger.ts'
import { expectGone, expectNobodyIn, familyOf } from './leftovers.ts'
import { differences, type Picture, takePicture } from './picture.ts'
import { threadStates } from './proc.ts'
import { readLog } from './replay.ts'
import { createWriter, type Writer } from './writer.ts'

/** So long after so many more writes were acknowledged. */
export interface Moment {
  readonly writes: number
  readonly ms: number
}

/** Anywhere in the first bit of a load: now and then before the first answer. */
export const someMoment = (random: Seeded, writes = 60): Moment => ({ writes: random.int(writes), ms: random.int(30) })

interface Dying {
  /** Asked for together with the load. */
  readonly alongside?: () => Promise<unknown>
  /** Done right before the kill. */
  readonly cut?: () => Promise<void>
}

/** One data folder through many lives of mcpd, and the clients who write to it. */
export interface Trial {
  readonly ledger: Ledger
  /** How long each start but the first took to ready, in ms. */
  readonly starts: readonly number[]
  api(): Api
  /** Creates a resource that the writers leave alone. */
  create(plural: string, name: string, spec: object): Promise<void>
  /** Starts mcpd, repeats what had no answer, reads all rows, and opens the secrets that were touched. */
  start(): Promise<void>
  /** Starts mcpd and kills it `ms` later, ready or not. */
  stumble(ms: number): Promise<void>
  /** Reads everything, not only what was touched. */
  readAll(): Promise<void>
  /** Kills mcpd while all writers work, waits for its children to end, and holds the log against all that was answered. */
  killUnderLoad(moment: Moment, alongside?: () => Promise<unknown>): Promise<void>
  /** The same with nobody at work. */
  kill(): Promise<void>
  /** The same without a look at the log. */
  dieUnderLoad(moment: Moment, dying?: Dying): Promise<void>
  /** Holds the log against the answers, and what was read since the last time against the log. */
  hold(): Promise<void>
  /** Copies the folder while all writers work and mcpd is stopped for it. The copy goes its own way: nothing runs on it yet. */
  copyUnderLoad(moment: Moment, folder: string): Promise<Trial>
}

export interface TrialOptions {
  readonly folder: string
  readonly random: Seeded
  readonly writers?: number
  readonly env?: Readonly<Record<string, string>>
}

const WRITERS = 4
/** Characters of mcpd's output that are shown when a test has failed. */
const PRINTED = 10_000
/** A machine that is too busy for the wanted writes gets fewer. */
const LONGEST_LOAD_MS = 10_000

/** The first start of a data folder, and its token. */
export const openTrial = async ({ folder, random, writers = WRITERS, env = {} }: TrialOptions): Promise<Trial> => {
  const mcpd = launchMcpd(folder, env)
  const { url } = await mcpd.ready
  await expect.poll(() => mcpd.token, { timeout: 10_000 }).not.toBe('')
  const { token } = mcpd
  const ledger = createLedger(token)
  const names = Array.from({ length: writers }, (_, i) => `w${i}`)
  const all = names.map((name) => createWriter(name, ledger, random.fork(name)))
  return new RunningTrial({ folder, env, token, ledger, writers: all, mcpd, url })
}

interface Parts {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly token: string
  readonly ledger: Ledger
  readonly writers: readonly Writer[]
  /** The one that runs, or ran last. */
  readonly mcpd: LaunchedMcpd
  readonly url: string
}

class RunningTrial implements Trial {
  readonly ledger: Ledger
  readonly starts: number[] = []
  readonly #parts: Parts
  #mcpd: LaunchedMcpd
  #api: Api
  #pictures: Picture[] = []

  constructor(parts: Parts) {
    this.#parts = parts
    this.ledger = parts.ledger
    this.#mcpd = parts.mcpd
    this.#api = api(parts.url, parts.token)
    onTestFailed(() => console.log(`what mcpd printed last:\n${this.#mcpd.log().slice(-PRINTED)}`))
    onTestFinished(() => void this.#mcpd.end()) // where the test has failed
  }

  api = (): Api => this.#api

  async create(plural: string, name: string, spec: object): Promise<void> {
    const key = `create-${plural}-${name}`
    const operation = { key, writer: 'test', stream: `${plural.replace(/s$/, '')}-${name}` }
    this.ledger.doubt(operation)
    const answer = await this.#api.send('POST', plural, { body: { metadata: { name }, spec }, key })
    expect(answer?.status, JSON.stringify(answer)).toBe(201)
    this.ledger.acknowledge(operation, answer?.body)
  }

  async start(): Promise<void> {
    const { folder, env, token, writers } = this.#parts
    this.#mcpd = launchMcpd(folder, env)
    const { url, startMs } = await this.#mcpd.ready
    this.starts.push(startMs)
    this.#api = api(url, token)
    await Promise.all(writers.map((writer) => writer.finish(this.#api)))
    await this.#read(writers.flatMap((writer) => writer.touched()))
  }

  async stumble(ms: number): Promise<void> {
    const { folder, env } = this.#parts
    this.#mcpd = launchMcpd(folder, env)
    await pause(ms)
    await expectGone(await this.#end())
    await expectNobodyIn(folder)
  }

  async readAll(): Promise<void> {
    const { lists } = await takePicture(this.#api, this.ledger.position(), [])
    const resources = [...lists].flatMap(([plural, { items }]) =>
      plural === 'instances' ? [] : items.map(({ metadata }) => `${plural}/${metadata.name}`),
    )
    await this.#read(resources)
  }

  async #read(resources: readonly string[]): Promise<void> {
    this.#pictures.push(await takePicture(this.#api, this.ledger.position(), resources))
    const secrets = this.#parts.writers.flatMap((writer) => [...writer.values()])
    for (const [secret, VALUE] of secrets.filter(([secret]) => resources.includes(secret)))
      expect(await this.#api.read(`${secret}/values`), secret).toEqual({ values: { VALUE } })
  }

  async killUnderLoad(moment: Moment, alongside?: () => Promise<unknown>): Promise<void> {
    await this.dieUnderLoad(moment, alongside === undefined ? {} : { alongside })
    await this.hold()
  }

  kill = (): Promise<void> => this.killUnderLoad({ writes: 0, ms: 0 })

  async dieUnderLoad(moment: Moment, { alongside, cut }: Dying = {}): Promise<void> {
    const die = async () => {
      await cut?.()
      return this.#end()
    }
    await expectGone(await this.#underLoad(moment, die, alongside))
    await expectNobodyIn(this.#parts.folder)
  }

  /** Kills mcpd. Answers what it had started. */
  async #end(): Promise<ReturnType<typeof familyOf>> {
    const family = familyOf(this.#mcpd.pid, this.#parts.folder)
    await this.#mcpd.end('SIGKILL')
    return family
  }

  copyUnderLoad = (moment: Moment, folder: string): Promise<Trial> =>
    this.#underLoad(moment, async () => {
      process.kill(this.#mcpd.pid, 'SIGSTOP')
      await expect.poll(() => threadStates(this.#mcpd.pid), { timeout: 30_000, interval: 5 }).toEqual(['T'])
      await cp(this.#parts.folder, folder, { recursive: true })
      const ledger = this.ledger.fork()
      const writers = this.#parts.writers.map((writer) => writer.fork(ledger))
      process.kill(this.#mcpd.pid, 'SIGCONT')
      return new RunningTrial({ ...this.#parts, folder, ledger, writers })
    })

  /** Lets all writers work until the moment has come, acts, and waits for them. */
  async #underLoad<Result>(
    moment: Moment,
    act: () => Promise<Result>,
    alongside?: () => Promise<unknown>,
  ): Promise<Result> {
    const stop = new AbortController()
    const reached = this.ledger.more(moment.writes)
    const nobody = moment.writes === 0 && moment.ms === 0
    const writers = nobody ? [] : this.#parts.writers.map((writer) => writer.work(this.#api, stop.signal))
    const working = Promise.all([alongside?.(), ...writers])
    try {
      await Promise.race([reached, failed(working), pause(LONGEST_LOAD_MS)])
      await pause(moment.ms) // the moment is the point: it has no condition
      return await act()
    } finally {
      stop.abort()
      await working
    }
  }

  async hold(): Promise<void> {
    const events = await readLog(this.#parts.folder)
    expect(this.ledger.problemsOf(events)).toEqual([])
    for (const picture of this.#pictures.splice(0)) expect(differences(picture, events)).toEqual([])
  }
}

/** Rejects when the work does, and is silent otherwise. */
const failed = (working: Promise<unknown>): Promise<never> =>
  new Promise((_, reject) => void working.then(undefined, reject))
