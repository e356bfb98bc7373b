import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MAX_TEMPLATE_BYTES, MAX_TEMPLATE_FILES, readTemplateFolder } from './read-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-templates-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const write = (name: string, content: string | Uint8Array) => writeFile(join(folder, name), content)
const reasons = async (): Promise<readonly (readonly [string, string])[]> =>
  (await readTemplateFolder(folder, { shownAs: 't' })).map((found) => [
    found.file,
    'problem' in found ? found.problem.reason : `holds ${found.text}`,
  ])

describe('a folder of template files', () => {
  it('is read by name; other files, hidden ones and folders below are not', async () => {
    await Promise.all([write('b.yaml', 'B'), write('a.yml', 'A'), write('c.JSON', 'C'), write('README.md', 'x')])
    await write('.hidden.yaml', 'x')
    await mkdir(join(folder, 'below'))
    await writeFile(join(folder, 'below/d.yaml'), 'x')
    expect(await reasons()).toEqual([
      ['t/a.yml', 'holds A'],
      ['t/b.yaml', 'holds B'],
      ['t/c.JSON', 'holds C'],
    ])
  })

  it('says of each file why it cannot be read, and reads the others', async () => {
    await write('a-good.yaml', 'A')
    await write('b-huge.yaml', 'x'.repeat(MAX_TEMPLATE_BYTES + 1))
    await write('c-bytes.yaml', Uint8Array.of(0xff, 0xfe, 0x41))
    await mkdir(join(folder, 'd-folder.yaml'))
    await symlink('e-loop.yaml', join(folder, 'e-loop.yaml'))
    await symlink('/nowhere/at/all', join(folder, 'f-nothing.yaml'))
    execFileSync('mkfifo', [join(folder, 'g-pipe.yaml')])
    await symlink('/proc/self/mem', join(folder, 'h-unreadable.yaml'))
    await symlink('/dev/zero', join(folder, 'i-endless.yaml'))
    expect(await reasons()).toEqual([
      ['t/a-good.yaml', 'holds A'],
      ['t/b-huge.yaml', 'is larger than 64 KiB'],
      ['t/c-bytes.yaml', 'is no UTF-8 text'],
      ['t/d-folder.yaml', 'is a folder'],
      ['t/e-loop.yaml', 'is a link that leads to itself'],
      ['t/f-nothing.yaml', 'does not exist, or points to nothing'],
      ['t/g-pipe.yaml', 'is no file'],
      ['t/h-unreadable.yaml', expect.stringMatching(/^cannot be read: /)],
      ['t/i-endless.yaml', 'is no file'],
    ])
  })

  it('takes a file of just the largest size', async () => {
    await write('a.yaml', 'x'.repeat(MAX_TEMPLATE_BYTES))
    expect(await reasons()).toEqual([['t/a.yaml', `holds ${'x'.repeat(MAX_TEMPLATE_BYTES)}`]])
  })

  it('is read up to a number of files, and says so', async () => {
    const name = (i: number) => `${String(i).padStart(4, '0')}.yaml`
    await Promise.all(Array.from({ length: MAX_TEMPLATE_FILES + 1 }, (_, i) => write(name(i), '')))
    const found = await readTemplateFolder(folder)
    expect(found.length).toBe(MAX_TEMPLATE_FILES + 1)
    expect(found.at(-1)).toEqual({
      file: `${folder}/`,
      problem: { reason: `more than 500 files are in ${folder}; those after 0499.yaml are not read` },
    })
  })

  it('may not be there, or be none', async () => {
    await write('file', '')
    for (const [path, reason] of [
      ['missing', 'does not exist, or points to nothing'],
      ['file', 'is no folder'],
    ] as const)
      expect(await readTemplateFolder(join(folder, path))).toEqual([
        { file: join(folder, path), problem: { reason }, wholeFolder: true },
      ])
  })

  it('is waited for only so long', async () => {
    await Promise.all(Array.from({ length: MAX_TEMPLATE_FILES }, (_, i) => write(`${i}.yaml`, 'x'.repeat(1000))))
    expect(await readTemplateFolder(folder, { deadlineMs: 0 })).toEqual([
      { file: folder, problem: { reason: 'did not answer within 0 s' }, wholeFolder: true },
    ])
  })
})
