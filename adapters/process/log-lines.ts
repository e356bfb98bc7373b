import type { LogLine, ReadLogOptions } from '../../domain/instance/runtime.ts'

/** Characters of a line that are kept; what stands behind is cut and counted. */
export const MAX_LOG_LINE = 8 * 1024

/** A line as it stands in the file: time, source, text. */
export const formatLine = ({ at, source, line }: LogLine): string => `${at} ${source} ${line}\n`

const pattern = /^(\d{4}-\d\d-\d\dT[\d:.]+Z) (stderr|stdout|mcpd) (.*)$/s
type Source = LogLine['source']
const isSource = (text: string | undefined): text is Source => text === 'stderr' || text === 'stdout' || text === 'mcpd'

/** The lines of a file; what a full disk or a kill left half is skipped. */
export const parseLines = (text: string): LogLine[] =>
  text.split('\n').flatMap((row) => {
    const [, at, source, line] = pattern.exec(row) ?? []
    return at !== undefined && line !== undefined && isSource(source) ? [{ at, source, line }] : []
  })

/** One line of text, not longer than is kept. */
export const cutLine = (line: string): string =>
  line.length <= MAX_LOG_LINE
    ? line
    : `${line.slice(0, MAX_LOG_LINE)} [cut: ${line.length - MAX_LOG_LINE} more characters]`

/** The part of `lines` that was asked for. */
export const selectLines = (lines: readonly LogLine[], { since, tail }: ReadLogOptions): readonly LogLine[] => {
  const from = since === undefined ? undefined : Date.parse(since)
  const recent = from === undefined ? lines : lines.filter(({ at }) => Date.parse(at) >= from)
  if (tail === undefined) return recent
  return tail <= 0 ? [] : recent.slice(-tail)
}
