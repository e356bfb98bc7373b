import { resolve } from 'node:path'
import type { Deps } from '../deps.ts'
import { CliError, exitCode, interrupted } from '../errors.ts'
import { main } from '../main.ts'
import { createOutput } from '../output/output.ts'
import { verbs } from '../verbs.ts'

const stop = new AbortController()
let interruptions = 0
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    stop.abort()
    interruptions += 1
    if (interruptions > 1) process.exit(exitCode.interrupted)
  })

// `mcpctl get servers | head -1`: a reader that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCode.ok)
  standardError().write(`error: standard output cannot be written: ${error.message}\n`)
  process.exit(exitCode.failed)
})

/** Standard input and error are opened when they are used: most lines need neither. */
let stderr: typeof process.stderr | undefined
const standardError = (): typeof process.stderr => {
  if (stderr !== undefined) return stderr
  process.stderr.on('error', () => process.exit(exitCode.failed)) // nobody is left to be told
  stderr = process.stderr
  return stderr
}

const out = createOutput(process.stdout, standardError)

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve, reject) => {
    if (stop.signal.aborted) return reject(interrupted())
    const timer = setTimeout(done, ms)
    function done(): void {
      clearTimeout(timer)
      stop.signal.removeEventListener('abort', done)
      if (stop.signal.aborted) reject(interrupted())
      else resolve()
    }
    stop.signal.addEventListener('abort', done, { once: true })
  })

const execute = async (program: string, args: readonly string[]): Promise<number> => {
  const { spawn } = await import('node:child_process')
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit' })
    child.on('error', (error) => reject(new CliError('cannot-run', `${program} cannot be run: ${error.message}`)))
    child.on('close', (code) => resolve(code ?? exitCode.failed))
  })
}

const connect = async (flags: { readonly server: string | undefined }): Promise<Deps> => {
  const [{ apiClient }, { loadConfig }, { standardInput, terminalPrompt }] = await Promise.all([
    import('../api-client.ts'),
    import('../config-file.ts'),
    import('../ask.ts'),
  ])
  const config = loadConfig(process.env, flags)
  return {
    config,
    out,
    sleep,
    execute,
    env: process.env,
    signal: stop.signal,
    platform: process.platform,
    get cwd() {
      return process.cwd()
    },
    self: [process.execPath, resolve(process.argv[1] ?? '')],
    now: () => new Date(),
    get input() {
      return standardInput(process.stdin, stop.signal)
    },
    get streams() {
      return { stdin: process.stdin, stdout: process.stdout }
    },
    prompt: terminalPrompt(stop.signal),
    api: apiClient({
      url: config.server,
      token: config.token,
      signal: stop.signal,
      sleep,
      notice: out.note,
      random: Math.random,
    }),
    async registry() {
      const [{ kinds }, { createRegistry }] = await Promise.all([
        import('../../domain/registry.ts'),
        import('../../domain/kernel/registry.ts'),
      ])
      return createRegistry(kinds)
    },
  }
}

void main(process.argv.slice(2), { verbs, out, debug: process.env.MCPCTL_DEBUG === '1', connect }).then((code) => {
  process.exitCode = code
})
