import type { ReactNode } from 'react'
import { useState } from 'react'
import { messageOf } from '../../../domain/kernel/errors.ts'
import { wrap } from '../../output/cells.ts'
import type { Repeatable } from '../curl.ts'
import { safeLine, safeLines } from '../safe-text.ts'
import { Line, TextLines, usePresses, useSize, Words } from './context.tsx'
import { FRAME_ROWS, Pane } from './frame.tsx'
import { JsonView } from './json-view.tsx'

/** Asks before something is done a second time that may change something. */
export const ReplayDialog = ({
  request,
  onConfirm,
  onBack,
}: {
  request: Repeatable
  onConfirm(): void
  onBack(): void
}): ReactNode => {
  const { columns, rows } = useSize()
  usePresses(2, (press) => {
    if (press.text === 'y' || press.text === 'Y') onConfirm()
    else if (press.key === 'escape' || press.text === 'n') onBack()
    else return false
    return true
  })
  return (
    <Pane
      hints={[
        ['y', 'send it again'],
        ['n', 'back'],
      ]}
    >
      <Line>
        <Words text={`Send ${request.method} again, in the session of this console?`} tone="strong" />
      </Line>
      <Line>
        <Words text="It may change something: its server does not say that it only reads." tone="warn" />
      </Line>
      <Line> </Line>
      <JsonView value={request.params ?? {}} width={columns} height={rows - FRAME_ROWS - 3} layer={1} active={true} />
    </Pane>
  )
}

/** A request as a shell script, in the clipboard if the terminal takes it, and as a file for who wants one. */
export const CurlDialog = ({
  script,
  copy,
  save,
  onBack,
}: {
  script: string
  copy(text: string): boolean
  save(text: string): Promise<string>
  onBack(): void
}): ReactNode => {
  const { columns, rows } = useSize()
  const [note, setNote] = useState(() =>
    copy(script)
      ? 'Sent to the clipboard of the terminal; not all terminals take it'
      : 'Too long for the clipboard: w writes it to a file',
  )
  usePresses(2, (press) => {
    if (press.key === 'escape') onBack()
    else if (press.text === 'y') setNote(copy(script) ? 'Sent to the clipboard again' : 'Too long for the clipboard')
    else if (press.text === 'w')
      save(script).then(
        (path) => setNote(`Written to ${safeLine(path)}`),
        (error: unknown) => setNote(`Not written: ${messageOf(error)}`),
      )
    else return false
    return true
  })
  const lines = safeLines(script)
    .flatMap((line) => wrap(line, columns))
    .slice(0, Math.max(1, rows - FRAME_ROWS - 2))
  return (
    <Pane
      note={note}
      hints={[
        ['y', 'copy again'],
        ['w', 'write to a file'],
        ['esc', 'back'],
      ]}
    >
      <Line>
        <Words text="With curl; the token is $MCPCTL_TOKEN of your shell" tone="strong" />
      </Line>
      <Line> </Line>
      <TextLines of={lines} />
    </Pane>
  )
}
