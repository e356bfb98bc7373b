import type { Duplex } from 'node:stream'
import Docker from 'dockerode'
import { engineFailure, isBusy, isMissing } from './engine-failure.ts'

/** How long the engine may take to answer; pulling an image and waiting for an exit have their own bounds. */
const ANSWER_MS = 30_000

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
  /** Settles when it does not run any more, however long that takes. @throws when the engine is lost meanwhile */
  exitCode(id: string, signal: AbortSignal): Promise<number>
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

  return {
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
    async exitCode(id, abortSignal) {
      try {
        const { StatusCode: code }: { StatusCode: number } = await docker.getContainer(id).wait({ abortSignal })
        return code
      } catch (error) {
        throw failed(error)
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
