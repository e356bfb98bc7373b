import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { crc32 } from 'node:zlib'
import { onTestFinished } from 'vitest'

interface Wheel {
  readonly name: string
  readonly version: string
  /** What its console scripts print when they are started, by the script's name. */
  readonly scripts: Readonly<Record<string, string>>
}

/** A zip archive of files as they are, uncompressed. */
const zip = (files: Readonly<Record<string, string>>): Buffer => {
  const locals: Buffer[] = []
  const entries: Buffer[] = []
  let offset = 0
  for (const [name, text] of Object.entries(files)) {
    const [path, data] = [Buffer.from(name), Buffer.from(text)]
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0) // version needed
    common.writeUInt16LE(0x21, 8) // 1980-01-01
    common.writeUInt32LE(crc32(data), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(data.length, 18)
    common.writeUInt16LE(path.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, path, data])
    const tail = Buffer.alloc(14)
    tail.writeUInt32LE((0o100644 << 16) >>> 0, 6)
    tail.writeUInt32LE(offset, 10)
    entries.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, tail, path)
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(entries)
  const end = Buffer.alloc(18)
  const count = Object.keys(files).length
  end.writeUInt16LE(count, 4)
  end.writeUInt16LE(count, 6)
  end.writeUInt32LE(directory.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...locals, directory, Buffer.from('PK\x05\x06'), end])
}

const build = ({ name, version, scripts }: Wheel): { readonly file: string; readonly content: Buffer } => {
  const module = name.replace(/[-.]/g, '_')
  const info = `${module}-${version}.dist-info`
  const functions = Object.keys(scripts).map((each, i) => `${each} = ${module}:main${i}`)
  const sources = Object.values(scripts).map(
    (text, i) => `def main${i}():\n    print(${JSON.stringify(text)}, flush=True)\n`,
  )
  const files: Record<string, string> = {
    [`${module}.py`]: sources.join('\n'),
    [`${info}/METADATA`]: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    [`${info}/WHEEL`]: 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n',
    ...(functions.length === 0 ? {} : { [`${info}/entry_points.txt`]: `[console_scripts]\n${functions.join('\n')}\n` }),
  }
  const record = [...Object.keys(files), `${info}/RECORD`].map((each) => `${each},,`).join('\n')
  return {
    file: `${module}-${version}-py3-none-any.whl`,
    content: zip({ ...files, [`${info}/RECORD`]: `${record}\n` }),
  }
}

/** A small index of Python packages on this machine, with a configuration of uv that knows no other. */
export const startIndex = async () => {
  const wheels = new Map<string, Map<string, Buffer>>()
  const requests: string[] = []
  let silent = false
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    if (silent) return
    const [, , name = '', file] = path.split('/')
    const files = wheels.get(name)
    response.setHeader('content-type', path.endsWith('.whl') ? 'application/octet-stream' : 'text/html')
    if (files === undefined) response.writeHead(404).end()
    else if (file === undefined || file === '')
      response.end([...files.keys()].map((each) => `<a href="/simple/${name}/${each}">${each}</a>`).join('\n'))
    else response.end(files.get(file))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(close)
  return {
    requests,
    url,
    publish(wheel: Wheel): void {
      const files = wheels.get(wheel.name) ?? new Map<string, Buffer>()
      const { file, content } = build(wheel)
      wheels.set(wheel.name, files.set(file, content))
    },
    /** From now on it takes requests and never answers. */
    fallSilent: () => {
      silent = true
    },
    close,
  }
}
