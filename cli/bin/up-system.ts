import { CodedError } from '../../domain/kernel/errors.ts'
import type { Mcplocal } from '../../proxy/endpoint/start.ts'
import { saveConfig } from '../config-file.ts'
import type { Deps } from '../deps.ts'
import { CliError } from '../errors.ts'
import { createLogger } from './logger.ts'
import { mcpdConfig } from './mcpd-config.ts'
import { type Mcpd, startMcpd } from './mcpd-system.ts'
import { DRAIN_MS } from './process-end.ts'
import { version } from './version.ts'

export interface UpOptions {
  readonly demo: boolean
  readonly port: number
  readonly mcplocalPort: number
  readonly dataFolder?: string
  readonly templates: readonly string[]
  readonly verbose: boolean
}

/** mcpd and mcplocal in this process, this user logged in; returns after Ctrl-C, when everything has ended. */
export const up = async (deps: Deps, options: UpOptions): Promise<void> => {
  const { out, signal } = deps
  const began = performance.now()
  signal.addEventListener('abort', () => endsInTime(deps), { once: true })
  const logger = createLogger('mcpctl', options.verbose ? 'info' : 'warn')
  const { dataFolder, port, templates } = options
  const config = await mcpdConfig({ port, templates, ...(dataFolder === undefined ? {} : { dataFolder }) }, deps.env)
  let mcplocalUrl = ''
  const about = () => (mcplocalUrl === '' ? {} : { mcplocal: { url: mcplocalUrl } })
  const mcpd = await startMcpd(config, logger, about).catch(explain)
  let mcplocal: Mcplocal | undefined
  try {
    if (signal.aborted) return
    const { startMcplocal } = await import('../../proxy/endpoint/start.ts')
    mcplocal = await startMcplocal({
      host: '127.0.0.1',
      port: options.mcplocalPort,
      dialer: mcpd.dialer,
      logger,
      version,
    }).catch(explain)
    mcplocalUrl = mcplocal.url
    const token = await logIn(deps, mcpd, mcplocal.url)
    out.line(`mcpd      ${mcpd.url}`)
    out.line(`mcplocal  ${mcplocal.url}`)
    out.line(`data      ${config.dataFolder}`)
    out.line(`ready in  ${seconds(performance.now() - began)}; logged in as admin (${deps.config.path})`)
    if (options.demo)
      await (await import('../demo.ts')).runDemo(deps, { server: mcpd.url, mcplocal: mcplocal.url, token })
    else out.line('\nNext: mcpctl apply -f examples/first-steps, or mcpctl up --demo')
    out.line('\nCtrl-C ends it. The next start goes on where this one ended.')
    await aborted(signal)
  } finally {
    // Both wait for the same calls: one after the other they would take longer than there is time.
    await Promise.all([mcplocal?.close(), mcpd.close()])
  }
}

/** Keeps the token that this user has, as long as it is valid; else makes one: who may read the data folder is its administrator anyway. */
const logIn = async ({ config }: Deps, mcpd: Mcpd, mcplocal: string): Promise<string> => {
  const valid = config.token !== undefined && (await mcpd.accepts(config.token))
  const token = valid ? config.token : (mcpd.firstToken ?? (await mcpd.issueAdminToken('mcpctl up')))
  await saveConfig(config, {
    server: mcpd.url,
    mcplocal,
    ...(config.tokenFrom === 'MCPCTL_TOKEN' && valid ? {} : { token }),
  })
  return token
}

/** Says that it ends, and sees that it does. */
const endsInTime = ({ out }: Deps): void => {
  out.note('ending …')
  setTimeout(() => {
    out.note(`not ended after ${DRAIN_MS / 1000} s, giving up`)
    process.exit(1)
  }, DRAIN_MS).unref()
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

const explain = (error: unknown): never => {
  if (!(error instanceof CodedError)) throw error
  throw new CliError(error.code, error.message, { hint: error.details.hint })
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
