import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { kinds } from '../../domain/registry.ts'
import { apiClient } from '../api-client.ts'
import { loadConfig } from '../config-file.ts'
import type { Deps } from '../deps.ts'
import { interrupted } from '../errors.ts'
import { main } from '../main.ts'
import { createOutput } from '../output/output.ts'
import { verbs } from '../verbs.ts'
import { FakeMcpd, TOKEN } from './fake-mcpd.ts'

/** What a command line did. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** What one run of mcpctl finds around it. */
export interface Surroundings {
  readonly stdin?: string | Uint8Array
  /** Standard input is a terminal, and standard error unless `notesAreTTY` says otherwise. */
  readonly terminal?: boolean
  /** Answers to prompts, by the text of the question; `CTRL_C` is one. */
  readonly answers?: Readonly<Record<string, string>>
  /** In place of an answer: a question that stays open. */
  readonly confirm?: Deps['prompt']['confirm']
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Stands in for the editor, or any other program. */
  readonly execute?: (program: string, args: readonly string[]) => Promise<number>
  readonly signal?: AbortSignal
  /** Each piece of standard output, as it is written. */
  readonly onOut?: (text: string) => void
  readonly outIsTTY?: boolean
  readonly notesAreTTY?: boolean
  /** Each piece of standard error, as it is written. */
  readonly onNote?: (text: string) => void
  readonly platform?: NodeJS.Platform
}

export const CTRL_C = '\u0003'

const answerTo = ({ answers }: Surroundings, question: string): string => {
  const answer = answers?.[question] ?? ''
  if (answer === CTRL_C) throw interrupted()
  return answer
}

/** mcpctl in memory, with a folder of its own and a pretended mcpd that it reaches over real HTTP. */
export class World {
  readonly mcpd: FakeMcpd
  /** Milliseconds that verbs wanted to sleep. */
  readonly slept: number[] = []
  now = new Date('2026-01-01T01:00:00.000Z')
  folder = ''
  readonly #kinds: readonly KindDefinition[]

  constructor(more: readonly KindDefinition[] = []) {
    this.#kinds = [...kinds, ...more]
    this.mcpd = new FakeMcpd(createRegistry(this.#kinds))
  }

  async start(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'mcpctl-test-'))
    await this.mcpd.start()
  }

  async stop(): Promise<void> {
    await this.mcpd.stop()
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Writes a file into the folder and answers its path. */
  async file(name: string, text: string): Promise<string> {
    const path = join(this.folder, name)
    await writeFile(path, text)
    return path
  }

  /** Applies a manifest; for what a test only needs to be there. */
  async given(manifest: string): Promise<void> {
    const { code, err } = await this.run(['apply', '-f', '-'], { stdin: manifest })
    if (code !== 0) throw new Error(err)
  }

  async run(argv: readonly string[], around: Surroundings = {}): Promise<Ran> {
    let [out, err] = ['', '']
    const output = createOutput(
      {
        isTTY: around.outIsTTY === true,
        write: (text) => {
          out += text
          around.onOut?.(text)
        },
      },
      () => ({
        isTTY: around.notesAreTTY ?? around.terminal === true,
        write: (text) => {
          err += text
          around.onNote?.(text)
        },
      }),
    )
    const code = await main(argv, {
      verbs,
      out: output,
      debug: false,
      connect: (flags) => this.#connect(flags, around, output),
    })
    return { code, out, err }
  }

  async #connect(flags: { server: string | undefined }, around: Surroundings, out: Deps['out']): Promise<Deps> {
    const env = {
      MCPCTL_HOME: join(this.folder, 'home'),
      MCPCTL_SERVER: this.mcpd.url,
      MCPCTL_TOKEN: TOKEN,
      ...around.env,
    }
    const config = loadConfig(env, flags)
    const signal = around.signal ?? new AbortController().signal
    const sleep = async (ms: number): Promise<void> => {
      this.slept.push(ms)
      this.now = new Date(this.now.getTime() + ms)
      await new Promise((resolve) => setImmediate(resolve))
      if (signal.aborted) throw interrupted()
    }
    return {
      config,
      out,
      env,
      signal,
      sleep,
      platform: around.platform ?? 'linux',
      cwd: this.folder,
      self: ['/opt/node/bin/node', '/opt/mcpctl/bin/mcpctl.cjs'],
      now: () => this.now,
      input: {
        isTTY: around.terminal === true,
        text: async () => Buffer.from(around.stdin ?? '').toString('utf8'),
        bytes: async () => Buffer.from(around.stdin ?? ''),
      },
      streams: { stdin: new PassThrough(), stdout: new PassThrough() },
      prompt: {
        password: async (question) => answerTo(around, question),
        text: async (question) => answerTo(around, question),
        confirm: around.confirm ?? (async (question) => answerTo(around, question) === 'yes'),
      },
      execute: around.execute ?? (async () => 127),
      registry: async () => createRegistry(this.#kinds),
      api: apiClient({ url: config.server, token: config.token, signal, sleep, notice: out.note, random: () => 0.5 }),
    }
  }
}
