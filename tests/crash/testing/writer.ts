import { z } from 'zod'
import type { Seeded } from '../../testing/seeded.ts'
import type { Api } from './api.ts'
import type { Ledger, Operation } from './ledger.ts'
import { polite, stubborn } from './programs.ts'

/** A client that declares and deletes resources of its own, one request after the other, and asks again until it is answered. */
export interface Writer {
  /** Works until `signal` aborts or mcpd answers no more. Begins with what had no answer. @throws at an answer that makes no sense */
  work(api: Api, signal: AbortSignal): Promise<void>
  /** Only what had no answer. */
  finish(api: Api): Promise<void>
  /** The same client, for a copy of the data folder that goes its own way from here. */
  fork(ledger: Ledger): Writer
  /** Resources it touched since it was asked last, as `plural/name`. */
  touched(): readonly string[]
  /** Values that its secrets must have, by `secrets/name`; without the one whose last change has no answer. */
  values(): ReadonlyMap<string, string>
}

type Plural = 'secrets' | 'servers' | 'projects'
const KIND = { secrets: 'secret', servers: 'server', projects: 'project' } as const

interface Request extends Operation {
  readonly method: 'PUT' | 'POST' | 'DELETE'
  readonly path: string
  readonly id: string
  readonly noWait: boolean
  /** What the resource is after it; undefined: deleted. */
  readonly made: Made | undefined
  readonly body?: object
}

/** What is there, as far as this writer needs to know: a secret's value, what a server or project refers to. */
interface Made {
  readonly value?: string
  readonly refersTo: readonly string[]
}

const NAMES = 4
const refusal = z.object({ code: z.string() })

interface Memory {
  readonly present: Map<string, Made>
  readonly touched: Set<string>
  pending: Request | undefined
  count: number
}

const nothing = (): Memory => ({ present: new Map(), touched: new Set(), pending: undefined, count: 0 })

export const createWriter = (writer: string, ledger: Ledger, random: Seeded, memory = nothing()): Writer => {
  const { present, touched } = memory
  let unanswered = ''

  const used = (id: string): boolean => [...present.values()].some(({ refersTo }) => refersTo.includes(id))
  const some = (plural: Plural): readonly string[] =>
    [...present.keys()].filter((id) => id.startsWith(`${plural}/`) && random.chance(0.5))
  const nameOf = (id: string): string => id.slice(id.indexOf('/') + 1)

  const specOf = (plural: Plural, key: string): { spec: object; made: Made } => {
    if (plural === 'secrets') return { spec: { data: { VALUE: key } }, made: { value: key, refersTo: [] } }
    if (plural === 'projects') {
      const servers = some('servers')
      return { spec: { servers: servers.map((id) => ({ name: nameOf(id) })) }, made: { refersTo: servers } }
    }
    const [secret] = some('secrets')
    const valueFrom = secret === undefined ? undefined : { secretRef: { name: nameOf(secret), key: 'VALUE' } }
    const env = valueFrom === undefined ? [] : [{ name: 'VALUE', valueFrom }]
    const program = random.chance(0.1) ? stubborn : polite
    const spec = { ...program, env, replicas: random.chance(0.1) ? 1 : 0, description: key }
    return { spec, made: { refersTo: secret === undefined ? [] : [secret] } }
  }

  const next = (): Request => {
    const plural = random.pick<Plural>(['secrets', 'servers', 'projects', 'secrets', 'servers'])
    const name = `${writer}-${random.int(NAMES)}`
    const id = `${plural}/${name}`
    const key = `${writer}-${++memory.count}`
    const common = { key, writer, id, noWait: random.chance(0.5), stream: `${KIND[plural]}-${name}` }
    const isThere = present.has(id)
    if (isThere && !used(id) && random.chance(0.3)) return { ...common, method: 'DELETE', path: id, made: undefined }
    const { spec, made } = specOf(plural, key)
    const body = { metadata: { name, labels: { operation: key } }, spec }
    const creates = !isThere && random.chance(0.5)
    return { ...common, method: creates ? 'POST' : 'PUT', path: creates ? plural : id, made, body }
  }

  const settle = ({ id, made }: Request): void => {
    if (made === undefined) present.delete(id)
    else present.set(id, made)
  }

  /** Whether there was an answer, and mcpd is there for more. */
  const ask = async (api: Api, request: Request): Promise<boolean> => {
    memory.pending = request
    touched.add(request.id)
    ledger.doubt(request)
    const { method, path, body, key, noWait } = request
    const answer = await api.send(method, path, { key, body, noWait })
    if (answer === undefined || answer.status >= 500) {
      unanswered = `${method} ${path} with ${key}: ${JSON.stringify(answer ?? 'no answer')}`
      return false
    }
    const { status } = answer
    const code = status < 300 ? undefined : refusal.parse(answer.body).code
    if (code === 'conflict') return true // somebody was faster five times: asked again with the same key
    if (code === undefined) ledger.acknowledge(request, answer.body)
    // A reference whose referrer's change was cut off by a kill is believed for a minute.
    else if (code === 'in-use') ledger.refuse(request)
    else throw new Error(`${method} ${path} with ${key}: ${JSON.stringify(answer)}`)
    if (code === undefined) settle(request)
    memory.pending = undefined
    return true
  }

  return {
    async work(api, signal) {
      while (!signal.aborted) if (!(await ask(api, memory.pending ?? next()))) return
    },
    async finish(api) {
      while (memory.pending !== undefined)
        if (!(await ask(api, memory.pending))) throw new Error(`of a mcpd that runs: ${unanswered}`)
    },
    fork: (other) => createWriter(writer, other, random.fork('copy'), structuredClone(memory)),
    touched() {
      const all = [...touched]
      touched.clear()
      return all
    },
    values() {
      const sure = [...memory.present].filter(([id]) => id !== memory.pending?.id) // of the others, either is right
      return new Map(sure.flatMap(([id, { value }]) => (value === undefined ? [] : [[id, value]])))
    },
  }
}
