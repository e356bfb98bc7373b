import { concurrently, DEADLINE_MS, indexesOf, MAX_READ_WHOLE, partsOf, type Report, type Selection } from './cases.ts'
import { createDice, seedOf } from './dice.ts'
import { excerpt, type Finding, showsInsides } from './findings.ts'
import { type HttpCase, httpCase } from './http-case.ts'
import { type Operation, operationsOf } from './operations.ts'
import type { Target } from './target.ts'
import { type Answer, exchange, TookTooLong } from './wire.ts'

const FAMILY = 'http'

/** Requests at once. */
const CONCURRENCY = 8

/** Sends bad requests to every route of mcpd and looks at the answers, and at whether the log moved only for what was accepted. */
export const fuzzHttp = async (target: Target, selection: Selection, codes: ReadonlySet<string>): Promise<Report> => {
  const findings: Finding[] = []
  const counts = new Map<string, number>()
  const operations = await operationsOf(target.server.href.replace(/\/$/, ''))
  const wanted = partsOf(
    selection,
    operations.map(({ id }) => id),
  )
  for (const operation of operations.filter(({ id }) => wanted.includes(id))) {
    const indexes = indexesOf(selection)
    const run = new OperationRun(target, operation, selection.seed, codes)
    findings.push(...(await run.all(indexes)))
    counts.set(operation.id, indexes.length)
  }
  return { counts, findings }
}

/** Runs cases against one route. */
class OperationRun {
  readonly #target: Target
  readonly #operation: Operation
  readonly #seed: number
  readonly #codes: ReadonlySet<string>

  constructor(target: Target, operation: Operation, seed: number, codes: ReadonlySet<string>) {
    this.#target = target
    this.#operation = operation
    this.#seed = seed
    this.#codes = codes
  }

  async all(indexes: readonly number[]): Promise<Finding[]> {
    const before = await this.#target.head()
    const findings: Finding[] = []
    const announced = new Set<bigint>()
    let silent = 0
    await concurrently(indexes, CONCURRENCY, async (next) => {
      for (let index = next(); index !== undefined; index = next()) {
        const { accepted, finding, answer } = await this.#one(index)
        for (const position of accepted) if (position > before) announced.add(position)
        if (answer !== undefined && mayBeSilent(this.#operation, answer)) silent += 1
        if (finding !== undefined) findings.push(finding)
      }
    })
    const moved = (await this.#target.head()) - before
    if (moved >= announced.size && moved <= announced.size + silent) return findings
    // Of two that race for one name, the one that is refused may have taken the reference that the other one then has.
    return [...findings, ...(await this.#culprits(indexes))]
  }

  /** One after the other, and after each a look at the log: which of them moved it though it was refused? */
  async #culprits(indexes: readonly number[]): Promise<Finding[]> {
    const found: Finding[] = []
    for (const index of indexes) {
      if (found.length >= 3) break
      const before = await this.#target.head()
      const { accepted, request, answer } = await this.#one(index)
      const moved = (await this.#target.head()) - before
      const told = new Set([...accepted].filter((position) => position > before))
      const silent = answer !== undefined && mayBeSilent(this.#operation, answer)
      if (moved !== BigInt(told.size) && !silent)
        found.push(
          this.#finding(
            `the log moved by ${moved}, the answer (${answer?.status}) tells of ${told.size}`,
            index,
            request,
          ),
        )
    }
    return found
  }

  async #one(
    index: number,
  ): Promise<{ accepted: readonly bigint[]; request: HttpCase; answer?: Answer; finding?: Finding }> {
    const { id } = this.#operation
    const request = httpCase(createDice(seedOf(this.#seed, FAMILY, id, index)), this.#operation, this.#target.token)
    try {
      const answer = await exchange(this.#target.server, request, DEADLINE_MS)
      const what = wrongWith(request, answer, this.#codes)
      const finding = what === undefined ? {} : { finding: this.#finding(what, index, request) }
      return { accepted: positionsIn(answer, request), request, answer, ...finding }
    } catch (error) {
      if (!(error instanceof TookTooLong)) throw error
      return { accepted: [], request, finding: this.#finding(error.message, index, request) }
    }
  }

  #finding(what: string, index?: number, request?: HttpCase): Finding {
    return {
      family: FAMILY,
      part: this.#operation.id,
      what,
      ...(index === undefined ? {} : { index }),
      ...(request === undefined ? {} : { sent: excerpt(request.bytes) }),
    }
  }
}

/** An operation on mcpd itself has been accepted: its answer does not list events. */
const mayBeSilent = ({ path }: Operation, { status }: Answer): boolean => path.includes('/admin/') && status < 300

/** Positions of the events that an answer says were appended. */
const positionsIn = ({ status, body }: Answer, { dryRun }: HttpCase): readonly bigint[] => {
  if (status < 200 || status > 299 || dryRun) return []
  const positions = [...body.matchAll(/"position":"(\d+)"/g)].map(([, position]) => BigInt(position ?? 0))
  return positions
}

/** What is wrong with an answer to a bad request, or undefined. */
const wrongWith = (request: HttpCase, answer: Answer, codes: ReadonlySet<string>): string | undefined => {
  const { status, headers, body } = answer
  // Who ends a request in the middle, or sends a lot, does not always get to read why it was refused.
  if (status === 0)
    return request.cut === true || request.bytes.length > MAX_READ_WHOLE
      ? undefined
      : 'the connection ended without an answer'
  if (status >= 500) return `answered with ${status}: ${body.slice(0, 300)}`
  if (showsInsides(body) && status >= 400) return `the answer shows insides: ${body.slice(0, 500)}`
  if (status < 400) return request.mustRefuse && request.head !== true ? `accepted with ${status}` : undefined
  if (request.head === true) return undefined
  return wrongProblem(status, headers.get('content-type') ?? '', body, codes)
}

const wrongProblem = (status: number, type: string, body: string, codes: ReadonlySet<string>): string | undefined => {
  if (!type.startsWith('application/problem+json'))
    return `${status} is no problem document but ${type}: ${body.slice(0, 200)}`
  const problem = parsed(body)
  const { code } = problem
  if (typeof code !== 'string' || !codes.has(code)) return `the code ${String(code)} is not among the documented ones`
  if (problem.status !== status) return `the problem says ${String(problem.status)}, the answer ${status}`
  const missing = ['type', 'title', 'detail', 'requestId'].find((member) => typeof problem[member] !== 'string')
  return missing === undefined ? undefined : `the problem has no ${missing}`
}

const parsed = (body: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(body)
  } catch {
    return { code: `in what is no JSON: ${body.slice(0, 200)}` }
  }
}
