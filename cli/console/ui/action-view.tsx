import type { ReactNode } from 'react'
import { useState } from 'react'
import type { JsonObject } from '../../../domain/kernel/json.ts'
import { wrap } from '../../output/cells.ts'
import type { Action } from '../items.ts'
import { safeLine, safeLines } from '../safe-text.ts'
import { AnswerView } from './answer-view.tsx'
import { Line, TextLines, usePresses, useSize, Words } from './context.tsx'
import { FORM_HINTS, FormView } from './form-view.tsx'
import { FRAME_ROWS, Pane } from './frame.tsx'
import type { Edited } from './text-input.tsx'

interface ActionViewProps {
  readonly action: Action
  readonly active: boolean
  request(method: string, params: JsonObject): Promise<JsonObject>
  onBack(): void
}

/** A tool, prompt or resource: what it says of itself, its arguments, and then its answer. */
export const ActionView = ({ action, active, request, onBack }: ActionViewProps): ReactNode => {
  const { columns, rows } = useSize()
  const needsForm = action.fields.length > 0 || action.method === 'tools/call'
  const [texts, setTexts] = useState<Readonly<Record<string, Edited>>>({})
  const [values, setValues] = useState<JsonObject | undefined>(needsForm ? undefined : {})
  const asking = values === undefined
  usePresses(
    2,
    ({ key }) => {
      if (key === 'escape') onBack()
      return key === 'escape'
    },
    { active: active && asking },
  )
  if (!asking)
    return (
      <AnswerView
        title={action.title}
        active={active}
        request={() => request(action.method, action.params(values))}
        onBack={() => (needsForm ? setValues(undefined) : onBack())}
      />
    )
  if (!active) return null
  const height = rows - FRAME_ROWS
  const description = safeLines(action.description).flatMap((line) => wrap(line, columns, 12))
  const shown = description.slice(0, Math.max(1, Math.min(8, height - action.fields.length - 6)))
  return (
    <Pane hints={FORM_HINTS}>
      <Line>
        <Words text={safeLine(action.title)} tone="strong" />
        <Words text={action.tags.map((tag) => `  ${tag}`).join('')} tone="warn" />
      </Line>
      <TextLines of={shown} tone="quiet" />
      <Line> </Line>
      <FormView
        fields={action.fields}
        texts={texts}
        width={columns}
        height={height - shown.length - 2}
        layer={3}
        active={true}
        verb={action.verb}
        onTexts={setTexts}
        onSubmit={setValues}
      />
    </Pane>
  )
}
