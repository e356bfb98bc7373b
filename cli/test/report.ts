import { CliError } from '../errors.ts'
import { failureOf } from '../mcp-client/failure.ts'
import { neutralLine } from '../output/neutral.ts'
import type { Output } from '../output/output.ts'

/** What `mcpctl test mcp` exits with. */
export const verdict = { passed: 0, transport: 1, contract: 2 } as const

/** Something that was tried, and what came of it. */
export interface Step {
  readonly step: string
  readonly result: 'ok' | 'failed' | 'skipped'
  /** Of a failed one: whose matter it is. `transport` is the way there and being let in, `contract` what is answered. */
  readonly failure?: 'transport' | 'contract'
  readonly detail: string
  readonly hint?: string
  readonly milliseconds?: number
}

/** The endpoint does not do what it should. */
export class ContractBroken extends Error {}

/** The steps of one test, told as they come. */
export class Report {
  readonly steps: Step[] = []
  readonly #out: Output | undefined

  /** @param out where each step is told; undefined to tell none */
  constructor(out: Output | undefined) {
    this.#out = out
  }

  /**
   * Tries something, and tells what came of it: `detailOf` its result, or the failure.
   * @returns the result; undefined when it failed
   */
  async try<Result>(
    step: string,
    run: () => Promise<Result>,
    detailOf: (result: Result) => string,
  ): Promise<Result | undefined> {
    const began = performance.now()
    const milliseconds = () => Math.round((performance.now() - began) * 10) / 10
    try {
      const result = await run()
      this.#tell({ step, result: 'ok', detail: detailOf(result), milliseconds: milliseconds() })
      return result
    } catch (error) {
      if (error instanceof CliError) throw error // interrupted, or wrong usage
      this.#tell({ step, result: 'failed', ...failureText(error), milliseconds: milliseconds() })
      return undefined
    }
  }

  skip(step: string, detail: string): void {
    this.#tell({ step, result: 'skipped', detail })
  }

  get exitCode(): number {
    const failures = this.steps.map(({ failure }) => failure)
    if (failures.includes('transport')) return verdict.transport
    return failures.includes('contract') ? verdict.contract : verdict.passed
  }

  #tell(told: Step): void {
    this.steps.push(told)
    const { step, result, detail, hint, milliseconds } = told
    const time = milliseconds === undefined || result !== 'ok' ? '' : ` (${milliseconds} ms)`
    this.#out?.line(neutralLine(`${step.padEnd(10)}  ${result.padEnd(7)}  ${detail}${time}`))
    if (hint !== undefined) this.#out?.note(`hint: ${hint}`)
  }
}

const failureText = (error: unknown): Pick<Step, 'failure' | 'detail' | 'hint'> & { readonly detail: string } => {
  if (error instanceof ContractBroken) return { failure: 'contract', detail: error.message }
  const { kind, message, hint, status } = failureOf(error)
  const logIn =
    status === 401 ? 'Give a token with --token-env or --token -; for mcplocal, log in with "mcpctl login"' : hint
  return {
    failure: kind === 'error' || kind === 'malformed' ? 'contract' : 'transport',
    detail: message,
    ...(logIn === undefined ? {} : { hint: logIn }),
  }
}
