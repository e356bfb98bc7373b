import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { environmentOf } from './testing/daemon.ts'
import { MCPCTL, type System, startSystem } from './testing/system.ts'

const hasTmux = spawnSync('tmux', ['-V']).status === 0
if (!hasTmux) console.warn('tmux is not installed: the console is not tried on a real terminal')

/** A terminal of 80×24 with a shell in it, on a tmux server of its own. */
class Terminal {
  readonly #socket: string

  constructor(home: string) {
    this.#socket = join(home, 'tmux')
    const env = { ...environmentOf(home), PS1: '$ ', TERM: 'xterm-256color' }
    execFileSync('tmux', this.#args('-f', '/dev/null', 'new-session', '-d', '-x', '80', '-y', '24', '/bin/sh'), { env })
  }

  /** Types; words like `Enter` and `Escape` are keys. */
  type(...what: readonly string[]): void {
    for (const each of what) execFileSync('tmux', this.#args('send-keys', each))
  }

  screen(): string {
    return execFileSync('tmux', this.#args('capture-pane', '-p')).toString()
  }

  /** What the terminal itself says of its state, in tmux's words. */
  state(format: string): string {
    return execFileSync('tmux', this.#args('display-message', '-p', format))
      .toString()
      .trim()
  }

  resize(columns: number, rows: number): void {
    execFileSync('tmux', this.#args('resize-window', '-x', String(columns), '-y', String(rows)))
  }

  sees(text: string | RegExp): Promise<void> {
    const isThere = () => (typeof text === 'string' ? this.screen().includes(text) : text.test(this.screen()))
    return vi.waitFor(
      () => {
        if (!isThere()) throw new Error(`${text} is not on the screen:\n${this.screen()}`)
      },
      { timeout: 30_000, interval: 50 },
    )
  }

  /** Waits until the shell has the terminal again: what is typed before that is lost. */
  isLeft(): Promise<void> {
    return vi.waitFor(() => expect(this.state('#{pane_current_command}')).toBe('sh'), { timeout: 10_000 })
  }

  close(): void {
    spawnSync('tmux', this.#args('kill-server'))
  }

  #args(...args: readonly string[]): string[] {
    return ['-S', this.#socket, ...args]
  }
}

describe.skipIf(!hasTmux)('the console on a real terminal', () => {
  let home: string
  let system: System
  let terminal: Terminal
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'mcpctl-console-'))
    system = await startSystem(home, { args: ['--demo'] })
    terminal = new Terminal(home)
  }, 120_000)
  afterAll(async () => {
    terminal?.close()
    await system?.kill('SIGTERM')
    await rm(home, { recursive: true, force: true })
  })

  it('calls a tool, shows what another session says, and leaves the terminal as it was', async () => {
    terminal.type('echo before the console', 'Enter')
    await terminal.sees(/^before the console$/m)
    terminal.type(`'${process.execPath}' '${MCPCTL}' console demo`, 'Enter')
    await terminal.sees('● live  2/2 servers')
    await terminal.sees(/1 Tools \d\d/)
    expect(terminal.state('#{alternate_on}')).toBe('1')
    expect(terminal.screen()).not.toContain('before the console')

    terminal.type('/', 'echo', 'Enter', 'Enter')
    await terminal.sees('message*')
    terminal.type('from a real terminal', 'Enter', 'Enter')
    await terminal.sees('Echo: from a real terminal')

    const client = await system.connect('demo')
    await client.callTool({ name: 'everything__get-sum', arguments: { a: 19, b: 23 } })
    terminal.type('4')
    await terminal.sees(/\S{5}\* client +→ tools\/call everything__echo/)
    await terminal.sees(/\S{5} {2}client +→ tools\/call everything__get-sum/)
    await terminal.sees(/everything +← result of tools\/call/)
    terminal.type('/', 'get-sum side:client', 'Enter', 'Enter')
    await terminal.sees('name: "everything__get-sum"')
    expect(terminal.screen()).toMatch(/a: 19\n.*b: 23/)
    await client.close()

    terminal.resize(130, 40)
    await terminal.sees(/n b next, before.*esc back/)
    terminal.resize(80, 24)
    terminal.type('Escape', 'Escape', '?')
    await terminal.sees('any key back')
    terminal.type('q')
    await terminal.sees('before the console')
    await terminal.isLeft()
    expect(terminal.state('#{alternate_on} #{cursor_flag}')).toBe('0 1')
    terminal.type('echo "code $?"', 'Enter')
    await terminal.sees(/code 0$/m)
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${system.mcplocal}/metrics`)).text()
      expect(metrics).toMatch(/^mcplocal_sessions [01]$/m) // but for the other one, whose client said no goodbye
    })
  })

  it('is left with Ctrl-C', async () => {
    terminal.type('clear', 'Enter')
    terminal.type(`'${process.execPath}' '${MCPCTL}' console demo`, 'Enter')
    await terminal.sees('● live')
    terminal.type('C-c')
    await terminal.isLeft()
    expect(terminal.state('#{alternate_on}')).toBe('0')
    terminal.type('echo still "here"', 'Enter')
    await terminal.sees(/still here$/m)
  })
})
