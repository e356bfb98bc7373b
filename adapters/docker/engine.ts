import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import Docker from 'dockerode'
import { startFailed } from '../../domain/instance/runtime.ts'
import { engineFailure, isBusy, isMissing } from './engine-failure.ts'

/** How long the engine may take to answer; pulling an image and waiting for an exit have their own bounds. */
const ANSWER_MS = 30_000
const LOOK_AGAIN_MS = 1_000

/** What is asked of the container engine. Every failure but a pull's is `StartFailed`, with a reason for people. */
export interface Engine {
  /** For people: where it was looked for. */
  readonly where: string
  /** Undefined when there is none of that name or id. */
  container(name: string): Promise<Docker.ContainerInspectInfo | undefined>
  /** All that have a label, running or not. */
  withLabel(label: string): Promise<readonly Docker.ContainerInfo[]>
  /** @returns the container's id */
  create(name: string, options: Docker.ContainerCreateOptions): Promise<string>
  /** What the container prints from now on, in frames; with `stdin`, what is written goes to its stdin. */
  attach(id: string, options: { stdin: boolean }): Promise<Duplex>
  start(id: string): Promise<void>
  /**
   * Settles when it does not run any more, however long that takes.
   * @param closed settles when the connection to its output ends: it may have ended, or the engine
   * @throws StartFailed when the engine is lost
   */
  exitCode(id: string, options: { signal: AbortSignal; closed: Promise<void> }): Promise<number>
  /** Nothing happens when it does not run. */
  kill(id: string, signal: 'SIGTERM' | 'SIGKILL'): Promise<void>
  /** Ends it, if it runs, and removes it with its anonymous volumes. Nothing happens when it is gone. */
  remove(id: string): Promise<void>
  /** What it uses; undefined when it is gone, or the engine does not tell. */
  stats(id: string): Promise<Docker.ContainerStats | undefined>
  /** Undefined when the engine does not have it. */
  image(name: string): Promise<Docker.ImageInspectInfo | undefined>
  /** The engine's own progress, a JSON object a line. @throws what dockerode throws */
  pull(name: string, options: { auth: object | undefined; signal: AbortSignal }): Promise<NodeJS.ReadableStream>
}

/**
 * The engine that the environment names (DOCKER_HOST, DOCKER_CERT_PATH, DOCKER_TLS_VERIFY), or the one at the usual
 * socket. Nothing is connected until something is asked.
 */
export const openEngine = (socketPath?: string): Engine => {
  const where = socketPath ?? process.env.DOCKER_HOST ?? 'its usual socket'
  const failed = (error: unknown) => engineFailure(error, where)
  const connect = (): Docker => {
    try {
      return new Docker(socketPath === undefined ? undefined : { socketPath })
    } catch (error) {
      throw failed(error) // DOCKER_HOST is no URL, or a certificate is missing
    }
  }
  const docker = connect()

  type Call<T> = (abortSignal: AbortSignal) => Promise<T>
  const ask = async <T>(call: Call<T>): Promise<T> => {
    try {
      return await inTime(call)
    } catch (error) {
      throw failed(error)
    }
  }
  const unlessMissing = async <T>(call: Call<T>): Promise<T | undefined> => {
    try {
      return await inTime(call)
    } catch (error) {
      if (isMissing(error)) return undefined
      throw failed(error)
    }
  }
  const unlessDone = async (call: Call<unknown>): Promise<void> => {
    try {
      await inTime(call)
    } catch (error) {
      if (!isMissing(error) && !isBusy(error)) throw failed(error)
    }
  }

  const engine: Engine = {
    where,
    container: (name) => unlessMissing((abortSignal) => docker.getContainer(name).inspect({ abortSignal })),
    withLabel: (label) =>
      ask((abortSignal) => docker.listContainers({ all: true, filters: { label: [label] }, abortSignal })),
    create: (name, options) =>
      ask(async (abortSignal) => {
        // Apart, or dockerode puts all of it into the URL as well: environments in the engine's log.
        const request = { _query: { name }, _body: options, abortSignal }
        return (await docker.createContainer(request)).id
      }),
    attach: (id, { stdin }) =>
      ask(async () => {
        const streams = { stream: true, stdin, stdout: true, stderr: true, hijack: true }
        const attached = await docker.getContainer(id).attach(streams)
        attached.on('error', () => {}) // told by the end of the stream
        return attached as Duplex // a socket: what `hijack` means, and the types do not say
      }),
    start: (id) => ask(async (abortSignal) => void (await docker.getContainer(id).start({ abortSignal }))),
    async exitCode(id, { signal: abortSignal, closed }) {
      const aborted = new Promise<undefined>((resolve) => {
        abortSignal.addEventListener('abort', () => resolve(undefined), { once: true })
      })
      const late = closed.then(() => sleep(LOOK_AGAIN_MS)).then(() => undefined)
      for (;;) {
        // dockerode hears nothing of an engine that dies after the head of its answer, nor what was idle for too long.
        const waiting = docker.getContainer(id).wait({ abortSignal })
        const answer: { StatusCode: number } | undefined = await Promise.race([waiting, late, aborted]).catch(
          () => undefined,
        )
        if (answer !== undefined) return answer.StatusCode
        waiting.catch(() => {})
        const found = abortSignal.aborted ? undefined : await engine.container(id)
        if (found === undefined) throw startFailed('it is gone')
        if (!found.State.Running) return found.State.ExitCode
        await sleep(LOOK_AGAIN_MS)
      }
    },
    kill: (id, signal) => unlessDone((abortSignal) => docker.getContainer(id).kill({ signal, abortSignal })),
    remove: (id) =>
      unlessDone(async (abortSignal) => {
        const container = docker.getContainer(id)
        const options = { force: true, v: true, abortSignal }
        try {
          await container.remove(options)
        } catch (error) {
          if (!isBusy(error)) throw error
          await container.wait({ condition: 'removed', abortSignal }) // somebody else is at it
        }
      }),
    stats: (id) =>
      inTime(() => docker.getContainer(id).stats({ stream: false, 'one-shot': true })).catch(() => undefined),
    image: (name) => unlessMissing(() => docker.getImage(name).inspect()),
    pull: (name, { auth, signal: abortSignal }) =>
      docker.pull(name, { abortSignal, ...(auth === undefined ? {} : { authconfig: auth }) }),
  }
  return engine
}

/** dockerode does not pass every signal on, so the wait ends by itself. */
const inTime = async <T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const deadline = new AbortController()
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error(`no answer within ${ANSWER_MS / 1_000} s`)
      deadline.abort(error)
      reject(error)
    }, ANSWER_MS)
  })
  try {
    return await Promise.race([call(deadline.signal), late])
  } finally {
    clearTimeout(timer)
  }
}
