import type { InstanceHost } from '../../domain/instance/host.ts'
import { type Exit, type Launch, startFailed } from '../../domain/instance/runtime.ts'
import { CodedError } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { type Copy, type CopyOptions, openCopy } from './copy.ts'
import { probeUpstream } from './probe.ts'
import { textOf } from './rpc.ts'
import type { Upstream } from './upstream.ts'

/** How long calls under way may take to end before their instance is stopped. */
export const DRAIN_MS = 3000
/** How long a program has to end by itself after its stdin was closed. */
export const STOP_GRACE_MS = 4000

/** Longest reason of a failed start, in characters: it becomes part of an event. */
const MAX_REASON = 8000

type Redact = (text: string) => string

export interface InstanceHostOptions extends Omit<CopyOptions, 'stopGraceMs'> {
  /** Makes a function that takes these values out of a text: a reason may quote what the program printed. */
  readonly redactor: (secrets: readonly string[]) => Redact
  readonly drainMs?: number
  readonly stopGraceMs?: number
}

/** The instance host, and the connections of what it runs. */
export interface ConnectedInstanceHost extends InstanceHost {
  /** The connection of a running instance; undefined as soon as it ends or is being stopped. */
  connection(instance: string): Upstream | undefined
  /** The connections of a server's instances that serve, or of all that run if none does, the one that began last at the end. */
  connections(server: string): readonly Upstream[]
  /** Registers what to do when an instance of this server has begun or ceased to have a connection. @returns undoes it */
  onChange(listener: (server: string) => void): () => void
}

type Running = Copy & { readonly redact: Redact }

interface Starting {
  readonly abort: AbortController
  readonly outcome: Promise<{ readonly details: JsonObject }>
}

/**
 * @example
 * const host = createInstanceHost({ runtime, logger, version, redactor })
 * await host.start(launch, { signal })
 * host.connection(launch.instance)?.attach(peer, { subscriptions: new Set() })
 */
export const createInstanceHost = (options: InstanceHostOptions): ConnectedInstanceHost => {
  const { runtime, drainMs = DRAIN_MS, stopGraceMs = STOP_GRACE_MS } = options
  const running = new Map<string, Running>()
  const starting = new Map<string, Starting>()
  const stopping = new Map<string, Promise<void>>()
  /** Running instances that new sessions are not to go to. */
  const resting = new Set<string>()
  const changeListeners = new Set<(server: string) => void>()
  let exitListener: (instance: string, exit: Exit) => void = () => {}
  let closed = false

  const changed = (server: string) => {
    for (const listener of [...changeListeners]) listener(server)
  }

  const forget = (instance: string) => {
    running.delete(instance)
    resting.delete(instance)
  }

  const launchAndOpen = async (launch: Launch, signal: AbortSignal, redact: Redact): Promise<Running> => {
    const copy = await openCopy(launch, { ...options, stopGraceMs }, signal, redact)
    return { ...copy, redact, details: { ...copy.details, ...mcpDetails(copy.upstream.initialize, redact) } }
  }

  /** `exited` never rejects, so this promise is owned by nobody and needs nobody. */
  const watch = async (instance: string, copy: Copy): Promise<void> => {
    const exit = await copy.exited
    const { upstream } = copy
    const byItself = running.get(instance)?.upstream === upstream
    if (byItself) forget(instance)
    upstream.end(byItself ? exit.reason : 'it was stopped')
    if (!byItself) return
    changed(upstream.server)
    // What is left of it: a program that lives on after its session was lost, the sessions of clients.
    const ending = copy.stop().finally(() => stopping.delete(instance))
    stopping.set(instance, ending)
    await ending
    exitListener(instance, exit)
  }

  const begin = async (
    launch: Launch,
    signal: AbortSignal,
    redact: Redact,
  ): Promise<{ readonly details: JsonObject }> => {
    const { instance } = launch
    await stopping.get(instance)
    try {
      const made = await launchAndOpen(launch, signal, redact)
      if (closed || signal.aborted) {
        await made.stop()
        throw startFailed('the start was cancelled')
      }
      running.set(instance, made)
      starting.delete(instance)
      changed(launch.server)
      void watch(instance, made)
      return { details: made.details }
    } catch (error) {
      starting.delete(instance)
      throw redacted(error, redact)
    }
  }

  const end = async (instance: string, { upstream, stop }: Copy): Promise<void> => {
    forget(instance)
    changed(upstream.server)
    await upstream.drain(drainMs)
    upstream.end('it was stopped')
    await stop()
  }

  const stopRunning = (instance: string): Promise<void> => {
    const found = running.get(instance)
    if (found === undefined) return stopping.get(instance) ?? Promise.resolve()
    const ending = end(instance, found).finally(() => stopping.delete(instance))
    stopping.set(instance, ending)
    return ending
  }

  const stop = async (instance: string): Promise<void> => {
    const attempt = starting.get(instance)
    if (attempt !== undefined) {
      attempt.abort.abort()
      await attempt.outcome.catch(() => {}) // told to whoever started it
    }
    await stopRunning(instance)
  }

  const stopAll = async (): Promise<void> => {
    await Promise.all([...new Set([...running.keys(), ...starting.keys(), ...stopping.keys()])].map(stop))
  }

  return {
    async start(launch, { signal }) {
      if (closed) throw startFailed('mcpd is stopping')
      const { instance } = launch
      const present = running.get(instance)
      if (present !== undefined) return { details: present.details }
      const attempt = starting.get(instance)
      if (attempt !== undefined) return attempt.outcome
      const abort = new AbortController()
      // Without a list of what came from secrets, everything may be one.
      const redact = options.redactor(launch.secrets ?? Object.values(launch.env))
      const outcome = begin(launch, AbortSignal.any([signal, abort.signal]), redact)
      starting.set(instance, { abort, outcome })
      return outcome
    },
    stop,
    stopAll,
    isRunning: (instance) => running.has(instance),
    async probe(instance, probe) {
      const found = running.get(instance)
      if (found === undefined) return { ok: false, reason: 'it is not running' }
      return await probeUpstream(found.upstream, probe, found.redact)
    },
    setServing(instance, serving) {
      const found = running.get(instance)
      if (found === undefined) return
      if (serving) resting.delete(instance)
      else resting.add(instance)
      changed(found.upstream.server)
    },
    onExit(listener) {
      exitListener = listener
    },
    connection: (instance) => running.get(instance)?.upstream,
    connections(server) {
      const all = [...running.values()].flatMap(({ upstream }) => (upstream.server === server ? [upstream] : []))
      const serving = all.filter(({ instance }) => !resting.has(instance))
      return serving.length === 0 ? all : serving
    },
    onChange(listener) {
      changeListeners.add(listener)
      return () => changeListeners.delete(listener)
    },
    async close() {
      closed = true
      await stopAll()
      await runtime.close()
    },
  }
}

const KNOWN_CAPABILITIES = ['tools', 'prompts', 'resources', 'completions', 'logging', 'tasks'] as const

/** What `describe instance` shows of the server: bounded, for its name and version are its own texts. */
const mcpDetails = ({ protocolVersion, serverInfo, capabilities }: JsonObject, redact: Redact): JsonObject => {
  const info = isObject(serverInfo) ? serverInfo : {}
  const shown = (text = '') => redact(text).slice(0, 200)
  return {
    protocolVersion: protocolVersion ?? null,
    capabilities: KNOWN_CAPABILITIES.filter((each) => isObject(capabilities) && each in capabilities),
    serverInfo: { name: shown(textOf(info.name)), version: shown(textOf(info.version)) },
  }
}

const redacted = (error: unknown, redact: Redact): unknown => {
  if (!(error instanceof CodedError)) return error
  const { code, status, message, details } = error
  const { hint, ...others } = details
  const clean = hint === undefined ? others : { ...others, hint: redact(hint) }
  return new CodedError(code, status, redact(message).slice(0, MAX_REASON), clean)
}
