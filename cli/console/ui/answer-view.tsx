import type { ReactNode } from 'react'
import { useEffect, useMemo, useState } from 'react'
import { messageOf } from '../../../domain/kernel/errors.ts'
import { isObject, type JsonObject } from '../../../domain/kernel/json.ts'
import { McpFailure } from '../../mcp-client/failure.ts'
import { cut, wrap } from '../../output/cells.ts'
import { type Folds, foldKey } from '../json-tree.ts'
import { duration, size } from '../message-text.ts'
import { safeLine } from '../safe-text.ts'
import { Line, TextLines, usePresses, useSize, Words } from './context.tsx'
import { FRAME_ROWS, type Hint, Pane } from './frame.tsx'
import { JSON_HINTS, JsonView } from './json-view.tsx'

/** What became of a request of the console's own. */
type Outcome =
  | { readonly state: 'running' }
  | { readonly state: 'done'; readonly ms: number; readonly result: JsonObject }
  | { readonly state: 'failed'; readonly ms: number; readonly reason: string; readonly hint?: string | undefined }

interface AnswerViewProps {
  readonly title: string
  readonly active: boolean
  /** Asked once when this is shown, and once more for each `r`. */
  request(): Promise<JsonObject>
  onBack(): void
}

const RUNNING_HINTS: readonly Hint[] = [['esc', 'back; it goes on']]
const HINTS: readonly Hint[] = [...JSON_HINTS, ['r', 'once more'], ['esc', 'back']]
const TICK_MS = 200

/** Sends a request and shows its answer. */
export const AnswerView = ({ title, active, request, onBack }: AnswerViewProps): ReactNode => {
  const { columns, rows } = useSize()
  const [round, setRound] = useState(0)
  const [outcome, setOutcome] = useState<Outcome>({ state: 'running' })
  const [elapsed, setElapsed] = useState(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: it is sent when this is shown and for each round, and never because a parent was drawn
  useEffect(() => {
    let wanted = true
    const since = performance.now()
    const took = () => performance.now() - since
    setOutcome({ state: 'running' })
    setElapsed(0)
    const ticker = setInterval(() => setElapsed(took()), TICK_MS)
    const show = (next: Outcome) => {
      clearInterval(ticker)
      if (wanted) setOutcome(next)
    }
    request().then(
      (result) => show({ state: 'done', ms: took(), result }),
      (error: unknown) => show({ state: 'failed', ms: took(), ...reasonOf(error) }),
    )
    return () => {
      wanted = false
      clearInterval(ticker)
    }
  }, [round])

  usePresses(
    2,
    (press) => {
      if (press.key === 'escape') onBack()
      else if (press.text === 'r' && outcome.state !== 'running') setRound(round + 1)
      else return false
      return true
    },
    { active },
  )
  if (!active) return null
  return (
    <Pane hints={outcome.state === 'running' ? RUNNING_HINTS : HINTS}>
      <Line>
        <Words text={`${cut(safeLine(title), Math.max(10, columns - 40))}  `} tone="strong" />
        <OutcomeWords outcome={outcome} elapsed={elapsed} />
      </Line>
      <Line> </Line>
      {outcome.state === 'done' && (
        <Answer key={round} result={outcome.result} width={columns} height={rows - FRAME_ROWS - 2} />
      )}
      {outcome.state === 'failed' && (
        <>
          <TextLines of={wrap(safeLine(outcome.reason), columns, 8)} tone="bad" />
          <TextLines of={wrap(safeLine(outcome.hint ?? ''), columns, 4)} tone="quiet" />
        </>
      )}
    </Pane>
  )
}

const OutcomeWords = ({ outcome, elapsed }: { outcome: Outcome; elapsed: number }): ReactNode => {
  if (outcome.state === 'running') return <Words text={`… ${(elapsed / 1000).toFixed(1)} s`} tone="warn" />
  if (outcome.state === 'failed') return <Words text={`failed after ${duration(outcome.ms)}`} tone="bad" />
  const isError = outcome.result.isError === true
  const bytes = Buffer.byteLength(JSON.stringify(outcome.result))
  return (
    <>
      <Words text={isError ? 'the tool says it failed' : 'ok'} tone={isError ? 'bad' : 'good'} />
      <Words text={`  ${duration(outcome.ms)}  ${size(bytes)}`} tone="quiet" />
    </>
  )
}

const Answer = ({ result, width, height }: { result: JsonObject; width: number; height: number }): ReactNode => {
  const open = useMemo(() => openTexts(result), [result])
  return <JsonView value={result} width={width} height={height} layer={1} active={true} open={open} />
}

/** Texts that somebody asked for are shown whole at once. */
const openTexts = (result: JsonObject): Folds => {
  const open = new Map<string, boolean>()
  for (const member of ['content', 'contents', 'messages'] as const) {
    const blocks: unknown = result[member]
    if (!Array.isArray(blocks)) continue
    for (const [i, block] of blocks.entries()) {
      if (!isObject(block)) continue
      open.set(foldKey([member, i, 'text']), true)
      if (isObject(block.content)) open.set(foldKey([member, i, 'content', 'text']), true)
    }
  }
  return open
}

const reasonOf = (error: unknown): { reason: string; hint?: string | undefined } => ({
  reason: messageOf(error),
  hint: error instanceof McpFailure ? error.hint : undefined,
})
