import type { Readable, Writable } from 'node:stream'
import type { Registry } from '../domain/kernel/registry.ts'
import type { ApiClient } from './api-client.ts'
import type { Config } from './config-file.ts'
import type { Output } from './output/output.ts'

/** Standard input. */
export interface Input {
  readonly isTTY: boolean
  /** All of it, as UTF-8. @throws CliError when it is longer than `MAX_INPUT_BYTES` */
  text(): Promise<string>
  /** All of it. @throws CliError as `text` */
  bytes(): Promise<Uint8Array>
}

/** Questions to a person; only called when stdin and stderr are terminals. */
export interface Prompt {
  /** Asks without echo. */
  password(message: string): Promise<string>
  /** Asks with echo. @param signal takes the question back, as if it were interrupted */
  text(message: string, signal?: AbortSignal): Promise<string>
  /** @param signal as for `text` */
  confirm(message: string, signal?: AbortSignal): Promise<boolean>
}

/** Everything a verb touches. Nothing else: tests pass their own and run the verb in memory. */
export interface Deps {
  readonly api: ApiClient
  /** The kinds. Loaded on the first call, for the schemas behind them take longer than all the rest. */
  registry(): Promise<Registry>
  readonly out: Output
  readonly input: Input
  /** Standard input and output themselves, for `mcpctl mcp` and `mcpctl console` only. */
  readonly streams: { readonly stdin: Readable; readonly stdout: Writable }
  readonly prompt: Prompt
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  now(): Date
  /** Resolves after `ms`, or rejects with `interrupted`. */
  sleep(ms: number): Promise<void>
  /** Runs a program in the foreground, with this terminal; answers its exit code. */
  execute(program: string, args: readonly string[]): Promise<number>
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal
  readonly platform: NodeJS.Platform
  /** The folder that it runs in. */
  readonly cwd: string
  /** What starts this very mcpctl, from anywhere: Node and the script, both absolute. */
  readonly self: readonly [node: string, script: string]
}
