import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { ReadStream, WriteStream } from 'node:tty'
import { messageOf } from '../../domain/kernel/errors.ts'
import type { Deps } from '../deps.ts'
import { CliError, interrupted } from '../errors.ts'
import { Backend } from './backend.ts'
import { clipboardSequence } from './clipboard.ts'

const ENTER = '\x1b[?1049h\x1b[H'
const LEAVE = '\x1b[?25h\x1b[?1049l'

/** Shows the console on the terminal's other screen until the person leaves it; then the terminal is as it was. */
export const showConsole = async (deps: Deps, project: string, filter: string | undefined): Promise<void> => {
  const { stdin, stdout } = deps.streams as { stdin: ReadStream; stdout: WriteStream } // the verb has seen that they are terminals
  const backend = new Backend(deps, project)
  // React's build for production; and Ink draws nothing where it finds itself in CI, but here is a terminal.
  process.env.NODE_ENV ??= 'production'
  process.env.CI = 'false'
  const [{ render }, { createElement }, { App }] = await Promise.all([
    import('ink'),
    import('react'),
    import('./ui/app.tsx'),
  ])
  const leave = () => void stdout.write(LEAVE)
  stdout.write(ENTER)
  process.once('exit', leave)
  try {
    const app = createElement(App, {
      backend,
      coloured: (deps.env.NO_COLOR ?? '') === '',
      initialFilter: filter ?? '',
      copy(text) {
        const sequence = clipboardSequence(text)
        if (sequence !== undefined) stdout.write(sequence)
        return sequence !== undefined
      },
      save: (text) => saveScript(text, deps.now()),
    })
    const shown = render(app, { stdin, stdout, exitOnCtrlC: true, patchConsole: false })
    const stop = () => shown.unmount()
    deps.signal.addEventListener('abort', stop, { once: true })
    process.once('SIGHUP', stop) // the window was closed
    backend.start()
    await shown.waitUntilExit()
    deps.signal.removeEventListener('abort', stop)
    process.off('SIGHUP', stop)
  } finally {
    process.off('exit', leave)
    leave()
    await backend.close()
  }
  if (deps.signal.aborted) throw interrupted()
}

/** Into the folder that the console was started in; only its owner may read it, as arguments may be secret. */
const saveScript = async (text: string, now: Date): Promise<string> => {
  const path = resolve(`mcpctl-request-${now.toISOString().replace(/[-:.]/g, '')}.sh`)
  try {
    await writeFile(path, text, { mode: 0o600, flag: 'wx' })
    return path
  } catch (error) {
    throw new CliError('cannot-write', messageOf(error))
  }
}
