import { type Launch, type Program, startFailed } from '../../domain/instance/runtime.ts'
import { limitsOf } from '../../domain/server/limits.ts'
import { DEFAULT_SESSIONS, isDedicated, type ServerSpec } from '../../domain/server/resource.ts'
import { imageCredentials, type LoadSecret, resolveEnv } from '../secrets/resolve-env.ts'

/** Where an HTTP server has its endpoint, unless its spec says otherwise. */
const DEFAULT_PATH = { STREAMABLE_HTTP: '/mcp', SSE: '/sse' } as const

/**
 * All that a runtime needs to start one copy of a server, its secrets read.
 * @throws EnvUnresolved; what reading a secret throws
 */
export const launchOf = async (
  instance: string,
  server: { readonly name: string; readonly spec: ServerSpec },
  loadSecret: LoadSecret,
): Promise<Launch> => {
  const { spec } = server
  const environment = await resolveEnv(spec.env, loadSecret)
  const headers = await resolveEnv(spec.headers ?? [], loadSecret, 'header')
  const { program, secrets } = await programOf(spec, loadSecret)
  return {
    instance,
    server: server.name,
    program,
    env: environment.env,
    secrets: [...new Set([...environment.secretValues, ...headers.secretValues, ...secrets])],
    ...(spec.resources === undefined ? {} : { limits: limitsOf(spec.resources.limits) }),
    ...httpOf(spec, headers.env),
    ...dedicatedOf(spec),
  }
}

const httpOf = (spec: ServerSpec, headers: Readonly<Record<string, string>>): Pick<Launch, 'http'> => {
  const { transport, containerPort: port, path, allowLinkLocal = false } = spec
  if (transport === 'STDIO') return {}
  const place = port === undefined ? {} : { port, path: path ?? DEFAULT_PATH[transport] }
  return { http: { transport, ...place, headers, allowLinkLocal } }
}

const dedicatedOf = (spec: ServerSpec): Pick<Launch, 'dedicated'> => {
  if (!isDedicated(spec)) return {}
  const {
    maxSessions = DEFAULT_SESSIONS.maxSessions,
    minIdle = DEFAULT_SESSIONS.minIdle,
    idleTimeoutSeconds = DEFAULT_SESSIONS.idleTimeoutSeconds,
  } = spec
  return { dedicated: { maxSessions, minIdle, idleTimeoutMs: idleTimeoutSeconds * 1000 } }
}

const programOf = async (
  spec: ServerSpec,
  loadSecret: LoadSecret,
): Promise<{ readonly program: Program; readonly secrets: readonly string[] }> => {
  const { packageName, runtime, version, dockerImage, command, externalUrl, args, allowScripts } = spec
  if (externalUrl !== undefined) return { program: { kind: 'external', url: externalUrl }, secrets: [] }
  if (dockerImage !== undefined) {
    const credentials = await imageCredentials(spec.imagePullSecret, loadSecret)
    const program: Program = {
      kind: 'image',
      image: dockerImage,
      args,
      ...(command === undefined ? {} : { command }),
      ...(credentials === undefined ? {} : { credentials }),
      ...(spec.network === undefined ? {} : { network: spec.network }),
      ...(spec.readOnlyRoot === undefined ? {} : { readOnlyRoot: spec.readOnlyRoot }),
    }
    return { program, secrets: credentials === undefined ? [] : [credentials.password] }
  }
  if (packageName !== undefined) {
    const which = { ...(runtime === undefined ? {} : { runtime }), ...(version === undefined ? {} : { version }) }
    return { program: { kind: 'package', packageName, args, allowScripts, ...which }, secrets: [] }
  }
  if (command !== undefined) return { program: { kind: 'command', command, args }, secrets: [] }
  throw startFailed('the server has nothing to run')
}
