import { createHash } from 'node:crypto'
import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode'
import type { Launch, Limits } from '../../domain/instance/runtime.ts'

/** A launch that is for this runtime. */
export type ImageLaunch = Launch & { readonly program: { readonly kind: 'image' } }

/** What tells our containers from others', and from each other. No values of the environment, no secrets. */
export const LABEL = {
  managed: 'io.mcpctl.managed',
  /** Which mcpd started it. */
  mcpd: 'io.mcpctl.mcpd',
  server: 'io.mcpctl.server',
  instance: 'io.mcpctl.instance',
  /** `http` or `stdio`. */
  transport: 'io.mcpctl.transport',
  /** Hash of what the container was made from. */
  spec: 'io.mcpctl.spec',
} as const

/** Room in `/tmp` where nothing else can be written; counts as the container's memory. */
const TMP_BYTES = 64 * 1024 * 1024

const digest = (value: unknown, length: number): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, length)

/** Unique in the engine, so that no copy can run twice. */
export const containerName = (owner: string, { instance, session }: Pick<Launch, 'instance' | 'session'>): string =>
  `mcpctl-${digest(owner, 8)}-${instance}${session === undefined ? '' : `.${session}`}`

/** What a container is made from, but for the values of its environment: those the engine can be asked for. */
const specOf = ({ program, env, limits, http }: ImageLaunch): string => {
  const { image, command, args, network, readOnlyRoot } = program
  return digest([image, command, args, network, readOnlyRoot, Object.keys(env).sort(), limits, http?.port], 12)
}

const environment = (env: ImageLaunch['env']): string[] =>
  Object.entries(env).map(([name, value]) => `${name}=${value}`)

/** Whether a container of a former run is just what this launch would make. */
export const isSame = (container: ContainerInspectInfo, launch: ImageLaunch): boolean => {
  const has = new Set(container.Config.Env)
  return (
    container.Config.Labels[LABEL.spec] === specOf(launch) && environment(launch.env).every((each) => has.has(each))
  )
}

const limited = ({ memoryBytes, cpus, openFiles, processes }: Limits) => ({
  // As much with swap as without: none.
  ...(memoryBytes === undefined ? {} : { Memory: memoryBytes, MemorySwap: memoryBytes }),
  ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
  ...(processes === undefined ? {} : { PidsLimit: processes }),
  ...(openFiles === undefined ? {} : { Ulimits: [{ Name: 'nofile', Soft: openFiles, Hard: openFiles }] }),
})

const published = (port: number) => ({
  ExposedPorts: { [`${port}/tcp`]: {} },
  PortBindings: { [`${port}/tcp`]: [{ HostIp: '127.0.0.1', HostPort: '' }] },
})

/** How the container of a launch is made: with nothing that it was not given. */
export const containerOptions = (owner: string, launch: ImageLaunch): ContainerCreateOptions => {
  const { program, env, http, limits, server, instance } = launch
  const { image, command, args, network, readOnlyRoot = true } = program
  const { ExposedPorts, PortBindings } = http?.port === undefined ? {} : published(http.port)
  const speaks = http === undefined
  return {
    Image: image,
    ...(command === undefined ? {} : { Entrypoint: [command] }),
    ...(args.length === 0 ? {} : { Cmd: [...args] }),
    Env: environment(env),
    Tty: false,
    // Its stdin ends when we do: a program that speaks there ends by itself when mcpd is killed.
    OpenStdin: speaks,
    StdinOnce: speaks,
    ...(ExposedPorts === undefined ? {} : { ExposedPorts }),
    Labels: {
      [LABEL.managed]: 'true',
      [LABEL.mcpd]: owner,
      [LABEL.server]: server,
      [LABEL.instance]: instance,
      [LABEL.transport]: speaks ? 'stdio' : 'http',
      [LABEL.spec]: specOf(launch),
    },
    HostConfig: {
      ...(network === undefined ? {} : { NetworkMode: network }),
      ...(PortBindings === undefined ? {} : { PortBindings }),
      // The log is ours: the engine would keep every message on its disk, without a bound.
      LogConfig: { Type: 'none', Config: {} },
      SecurityOpt: ['no-new-privileges'],
      CapDrop: ['ALL'],
      ReadonlyRootfs: readOnlyRoot,
      ...(readOnlyRoot ? { Tmpfs: { '/tmp': `rw,nosuid,nodev,mode=1777,size=${TMP_BYTES}` } } : {}),
      Init: true,
      RestartPolicy: { Name: 'no' },
      ...limited(limits ?? {}),
    },
  }
}
