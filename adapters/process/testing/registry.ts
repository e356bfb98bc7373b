import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { scratchFolder } from './scratch.ts'

export interface TestPackage {
  readonly name: string
  readonly version: string
  readonly bin?: string | Record<string, string>
  readonly scripts?: Record<string, string>
  readonly dependencies?: Record<string, string>
  readonly files: Readonly<Record<string, string>>
}

interface Published {
  readonly manifest: object
  readonly tarball: Buffer
}

const pack = async ({ files, ...manifest }: TestPackage): Promise<Published> => {
  const folder = await scratchFolder()
  const all = { ...files, 'package.json': JSON.stringify(manifest) }
  for (const [name, text] of Object.entries(all)) {
    const file = join(folder, 'package', name)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
    await chmod(file, 0o755)
  }
  await promisify(execFile)('tar', ['-czf', join(folder, 'package.tgz'), '-C', folder, 'package'])
  return { manifest, tarball: await readFile(join(folder, 'package.tgz')) }
}

/** A small npm registry on this machine, with an npm configuration that knows no other and a cache of its own. */
export const startRegistry = async () => {
  const packages = new Map<string, Map<string, Published>>()
  const requests: string[] = []
  let silent = false

  const packument = (name: string, versions: Map<string, Published>) => ({
    name,
    'dist-tags': { latest: [...versions.keys()].at(-1) },
    versions: Object.fromEntries(
      [...versions].map(([version, { manifest, tarball }]) => {
        const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
        return [
          version,
          { ...manifest, dist: { tarball: `${url}/-/${encodeURIComponent(name)}/${version}.tgz`, integrity } },
        ]
      }),
    ),
  })

  const server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    if (silent) return
    const [, name = '', version] = /^\/-\/([^/]+)\/(.+)\.tgz$/.exec(path) ?? [undefined, path.slice(1), undefined]
    const versions = packages.get(decodeURIComponent(name))
    if (versions === undefined) response.writeHead(404).end('{"error":"Not found"}')
    else if (version === undefined) response.end(JSON.stringify(packument(decodeURIComponent(name), versions)))
    else response.end(versions.get(version)?.tarball)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  onTestFinished(close)
  const cache = await scratchFolder()

  return {
    /** Paths that were asked for, in order. */
    requests,
    /** mcpd's environment with this registry configured. */
    environment: {
      PATH: process.env.PATH,
      HOME: cache,
      npm_config_registry: url,
      npm_config_cache: join(cache, 'cache'),
      npm_config_userconfig: join(cache, 'npmrc'),
    },
    async publish(one: TestPackage): Promise<void> {
      const versions = packages.get(one.name) ?? new Map<string, Published>()
      packages.set(one.name, versions.set(one.version, await pack(one)))
    },
    /** From now on it takes requests and never answers. */
    fallSilent: () => {
      silent = true
    },
    close,
  }
}
