import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTestMcpd, everything, projectWith, type TestMcpd } from './testing/mcpd.ts'
import { answered, type TestSession } from './testing/test-session.ts'

const FINALLY = { timeout: 10_000, interval: 10 }

describe('the reference server behind the router', () => {
  let mcpd: TestMcpd
  let a: TestSession
  let b: TestSession

  beforeEach(async () => {
    mcpd = createTestMcpd(projectWith('everything'))
    await mcpd.start(everything('e1'))
    a = mcpd.connect('everything')
    b = mcpd.connect('everything')
  })
  afterEach(() => mcpd.close())

  it('offers its tools, resources and prompts to two sessions at once', async () => {
    const lists = ['tools/list', 'resources/list', 'prompts/list', 'resources/templates/list']
    const answers = await Promise.all([
      ...lists.map((list) => a.ask(list, list)),
      ...lists.map((list) => b.ask(list, list)),
    ])
    expect(answers.map(({ error }) => error)).toEqual(answers.map(() => undefined))
    expect(answers[0]).toEqual(answers[4])
    expect(JSON.stringify(answers[0])).toContain('"echo"')
  })

  it('echoes to each session its own', async () => {
    const echoes = await Promise.all(
      [a, b].flatMap((session, s) =>
        [1, 2, 3].map((id) => session.call(id, 'echo', { message: `${s}-${id}` }).then(answered)),
      ),
    )
    expect(echoes).toEqual(['0-1', '0-2', '0-3', '1-1', '1-2', '1-3'].map((each) => `Echo: ${each}`))
  })

  it('reports the progress of a long call to who made it', async () => {
    const args = { duration: 0.4, steps: 4 }
    await Promise.all([
      a.call(1, 'trigger-long-running-operation', args, { progressToken: 'abc' }),
      b.call(1, 'trigger-long-running-operation', args),
    ])
    const progress = a.notifications('notifications/progress').map(({ params }) => params)
    expect(progress.map((params) => [params?.progressToken, params?.progress])).toEqual([
      ['abc', 1],
      ['abc', 2],
      ['abc', 3],
      ['abc', 4],
    ])
    expect(b.notifications('notifications/progress')).toEqual([])
  })

  it('keeps the tools back that need a client of its own', async () => {
    const { result } = await a.ask(1, 'tools/list')
    expect(JSON.stringify(result)).not.toContain('trigger-sampling-request')
  })

  it('sends updates of a subscribed resource', async () => {
    const uri = 'demo://resource/dynamic/text/1'
    expect((await a.ask(1, 'resources/subscribe', { uri })).result).toEqual({})
    await a.call(2, 'toggle-subscriber-updates')
    await vi.waitFor(
      () => expect(a.notifications('notifications/resources/updated')[0]?.params?.uri).toBe(uri),
      FINALLY,
    )
    expect(b.notifications('notifications/resources/updated')).toEqual([])
  }, 15_000)

  it('logs to sessions at the level that they asked for', async () => {
    expect((await a.ask(1, 'logging/setLevel', { level: 'debug' })).result).toEqual({})
    await a.call(2, 'toggle-simulated-logging')
    await vi.waitFor(() => expect(a.notifications('notifications/message').length).toBeGreaterThan(0), FINALLY)
  }, 15_000)

  it('completes arguments and passes errors on as they are', async () => {
    const completion = await a.ask(1, 'completion/complete', {
      ref: { type: 'ref/prompt', name: 'completable-prompt' },
      argument: { name: 'department', value: 'E' },
    })
    expect(completion.result?.completion).toMatchObject({ values: ['Engineering'] })
    expect((await a.ask(2, 'no/such/method')).error?.code).toBe(-32601)
  })
})
