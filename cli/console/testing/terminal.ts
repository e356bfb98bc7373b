import { PassThrough } from 'node:stream'
import { render } from 'ink'
import { createElement } from 'react'
import { onTestFinished, vi } from 'vitest'
import { BEARER } from '../../../proxy/testing/fake-mcpd.ts'
import type { Local } from '../../../proxy/testing/local.ts'
import { Backend } from '../backend.ts'
import { App } from '../ui/app.tsx'

/** Keys, as terminals send them. */
export const keys = {
  up: '\x1b[A',
  down: '\x1b[B',
  right: '\x1b[C',
  left: '\x1b[D',
  end: '\x1b[F',
  enter: '\r',
  // As terminals with kitty's protocol send it: a bare escape is one only when nothing follows it soon.
  escape: '\x1b[27u',
  tab: '\t',
  ctrlR: '\x12',
  ctrlU: '\x15',
} as const

/** A console on a pretended terminal, before a real mcplocal. */
export interface Shown {
  readonly backend: Backend
  /** All frames that were drawn. */
  readonly frames: string[]
  readonly copied: string[]
  /** What is on the screen, without colours. */
  screen(): string
  press(...what: readonly string[]): Promise<void>
  /** Waits until the screen shows a text. */
  sees(text: string | RegExp): Promise<void>
  resize(columns: number, rows: number): void
  readonly over: Promise<unknown>
}

class Screen extends PassThrough {
  readonly isTTY = true
  columns: number
  rows: number

  constructor(columns: number, rows: number) {
    super()
    this.columns = columns
    this.rows = rows
  }
}

class Keyboard extends PassThrough {
  readonly isTTY = true
  setRawMode = () => this
  ref = () => this
  unref = () => this
}

interface Look {
  readonly columns?: number
  readonly rows?: number
  readonly coloured?: boolean
}

/** Colours and other looks that Ink writes; anything else that begins with an escape is none. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escapes are what this is about
const LOOKS = /\x1b\[[0-9;]*m/g

/** A drawn frame without its looks. */
export const plain = (frame: string): string => frame.replace(LOOKS, '')

export const showOn = async (local: Local, { columns = 80, rows = 24, coloured = true }: Look = {}): Promise<Shown> => {
  const backend = new Backend({ config: configOf(local) }, 'demo')
  const [screen, keyboard] = [new Screen(columns, rows), new Keyboard()]
  const frames: string[] = []
  screen.setEncoding('utf8').on('data', (text: string) => frames.push(text))
  const copied: string[] = []
  const app = createElement(App, {
    backend,
    coloured,
    initialFilter: '',
    copy: (text) => copied.push(text) > 0,
    save: async () => '/somewhere/request.sh',
  })
  const shown = render(app, {
    stdout: screen as unknown as NodeJS.WriteStream,
    stdin: keyboard as unknown as NodeJS.ReadStream,
    debug: true, // every frame is written whole
    exitOnCtrlC: true,
    patchConsole: false,
  })
  backend.start()
  onTestFinished(async () => {
    shown.unmount()
    await backend.close()
  })
  const last = () => plain(frames.at(-1) ?? '')
  const sees = (text: string | RegExp): Promise<void> =>
    vi.waitFor(
      () => {
        if (typeof text === 'string' ? !last().includes(text) : !text.test(last()))
          throw new Error(`${text} is not on the screen:\n${last()}`)
      },
      { timeout: 10_000, interval: 10 },
    )
  return {
    backend,
    frames,
    copied,
    screen: last,
    sees,
    async press(...what) {
      for (const each of what) {
        keyboard.write(each)
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    resize(toColumns, toRows) {
      screen.columns = toColumns
      screen.rows = toRows
      screen.emit('resize')
    },
    over: shown.waitUntilExit(),
  }
}

const configOf = (local: Local) => ({
  folder: '',
  path: '',
  server: '',
  mcplocal: local.local.url,
  token: BEARER,
  tokenFrom: 'file' as const,
})
