import { z } from 'zod'
import type { Decider } from '../kernel/decider.ts'
import { type EventOf, eventType } from '../kernel/event-type.ts'
import { sameJson } from '../kernel/same-json.ts'

/** What became of one template file at a start of mcpd. */
export const templateFileReport = z.object({
  /** The template it is about; of a file that names none, a name made from the file's. */
  name: z.string(),
  file: z.string(),
  /**
   * `ok`: the template is what its file says. `changed`: one of them was changed, `reason` says which. `broken`: the file is
   * not used, for `reason`. `removed`: there is no such file any more.
   */
  state: z.enum(['ok', 'changed', 'broken', 'removed']),
  /** Dotted path of the field that breaks it; absent when it is the whole file. */
  field: z.string().optional(),
  reason: z.string().optional(),
  /** SHA-256 (hex) of the file's bytes. */
  digest: z.string().optional(),
  /** SHA-256 (hex) of the labels and the spec in it. */
  content: z.string().optional(),
  /** The template was changed by hand, and the file as well: the template stayed. */
  kept: z.boolean().optional(),
})
export type TemplateFileReport = z.output<typeof templateFileReport>

export const templateFileReported = eventType({
  type: 'TemplateFileReported',
  version: 1,
  categories: ['templatefiles'],
  summary: 'A start of mcpd found a template file new, changed, broken or gone',
  schema: templateFileReport,
})
export type TemplateFileReported = EventOf<typeof templateFileReported>

/** One small stream says what is known of all files, so that a start at which none has changed reads it and nothing else. */
export const TEMPLATE_FILES_STREAM = 'templatefiles-mcpd'

/** The last report of each template, by its name. */
export type TemplateFiles = Readonly<Record<string, TemplateFileReport>>

export interface ReportFiles {
  readonly type: 'ReportFiles'
  /** One for each file that there is; what was reported before and is not among them is gone. */
  readonly reports: readonly TemplateFileReport[]
}

export const templateFilesDecider: Decider<TemplateFiles, ReportFiles, TemplateFileReported> = {
  initial: {},
  evolve: (state, { data }) => ({ ...state, [data.name]: data }),
  decide({ reports }, state) {
    const present = new Set(reports.map(({ name }) => name))
    const gone = Object.values(state).filter(({ name, state: was }) => !present.has(name) && was !== 'removed')
    return [
      ...reports.filter((report) => !sameJson(state[report.name], report)),
      ...gone.map(({ name, file, content }) => ({
        name,
        file,
        state: 'removed' as const,
        ...(content === undefined ? {} : { content }),
      })),
    ].map((data) => ({ type: 'TemplateFileReported', data }))
  },
}
