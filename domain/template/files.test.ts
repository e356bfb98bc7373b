import { describe, it } from 'vitest'
import { given } from '../kernel/testing/given.ts'
import { type ReportFiles, type TemplateFileReport, type TemplateFileReported, templateFilesDecider } from './files.ts'

const ok = (name: string, content = '1'): TemplateFileReport => ({
  name,
  file: `/t/${name}.yaml`,
  state: 'ok',
  content,
})
const report = (...reports: TemplateFileReport[]): ReportFiles => ({ type: 'ReportFiles', reports })
const reported = (data: TemplateFileReport): TemplateFileReported => ({ type: 'TemplateFileReported', data })

describe('template files', () => {
  const two = given(templateFilesDecider, reported(ok('a')), reported(ok('b')))

  it('are reported when they are new', () =>
    given(templateFilesDecider)
      .when(report(ok('a'), ok('b')))
      .then(reported(ok('a')), reported(ok('b'))))
  it('are not reported again as long as nothing is new', () => two.when(report(ok('b'), ok('a'))).thenNothing())
  it('are reported one by one when they change', () =>
    two.when(report(ok('a'), ok('b', '2'))).then(reported(ok('b', '2'))))

  const gone = { name: 'a', file: '/t/a.yaml', state: 'removed', content: '1' } as const
  it('that are gone are reported once', () => {
    two.when(report(ok('b'))).then(reported(gone))
    two
      .and(reported(gone))
      .when(report(ok('b')))
      .thenNothing()
  })
  it('come back', () =>
    two
      .and(reported(gone))
      .when(report(ok('a'), ok('b')))
      .then(reported(ok('a'))))
})
