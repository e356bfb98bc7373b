import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { LOG_FILE_BYTES, LOG_FILES } from './log-files.ts'
import { never } from './testing/launch.ts'
import { script } from './testing/programs.ts'
import { setUp } from './testing/runtime.ts'

const secret = 'hunter2-and-more'

describe('the log of a program', { timeout: 60_000 }, () => {
  it('holds no secret, nor do the details or the reason of the exit', async () => {
    const { runtime, launch, logged } = await setUp()
    const source =
      'const t = process.env.TOKEN; console.log(t); console.error("token " + t + " " + Buffer.from(t).toString("base64"))'
    const running = await runtime.start(
      launch(script(source, secret), { env: { TOKEN: secret }, secrets: [secret] }),
      never,
    )
    const exit = await running.exited
    expect(exit.reason).toContain('token [redacted] [redacted]')
    expect(await logged('stdout')).toEqual(['[redacted]'])
    const everything = JSON.stringify([exit, running.details, await logged()])
    expect(everything).not.toContain(secret)
    expect(everything).not.toContain(Buffer.from(secret).toString('base64').replace(/=+$/, ''))
  })

  it('stays small under a flood of stderr, which does not stop the program', async () => {
    const { start, logged, dataFolder } = await setUp()
    const flood =
      'const line = "x".repeat(999) + "\\n"; for (let i = 0; i < 1000; i++) require("fs").writeSync(2, line.repeat(100))'
    const { running } = await start(script(`${flood}; console.error("done")`))
    expect((await running.exited).reason).toMatch(/done$/)
    const folder = join(dataFolder, 'logs', 'a')
    const sizes = await Promise.all((await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size))
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(2 * LOG_FILES * LOG_FILE_BYTES)
    expect(await logged('mcpd')).toContainEqual(expect.stringContaining('lines left out'))
  })

  it('cuts an endless line of stderr', async () => {
    const { start, logged } = await setUp()
    const { running } = await start(
      script(
        'require("fs").writeSync(2, "x".repeat(60000)); process.stderr.write("y".repeat(10_000_000) + "\\nend\\n")',
      ),
    )
    await running.exited
    const lines = await logged('stderr')
    expect(lines).toHaveLength(2)
    expect(lines[0]?.length).toBeLessThan(10_000)
    expect(lines[1]).toBe('end')
  })

  it('goes with the working folder when the instance is removed', async () => {
    const { start, runtime, dataFolder } = await setUp()
    const { running } = await start(script('require("fs").writeFileSync("file", "x")'))
    await running.exited
    await runtime.logs.remove('a')
    expect([await readdir(join(dataFolder, 'logs')), await readdir(join(dataFolder, 'work'))]).toEqual([[], []])
  })
})
