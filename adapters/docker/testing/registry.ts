import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { gzipSync } from 'node:zlib'
import { onTestFinished } from 'vitest'

const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json'

/** An empty tar archive. */
const LAYER = Buffer.alloc(1_024)

/**
 * An image registry with one small image, `NAME/small:1`, that nobody can see without a password when there is one.
 * Engines speak plain HTTP to registries on 127.0.0.0/8.
 */
export const startRegistry = async (password?: string): Promise<{ readonly host: string }> => {
  const layer = gzipSync(LAYER)
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['/none'] },
      rootfs: { type: 'layers', diff_ids: [sha256(LAYER)] },
    }),
  )
  const described = (mediaType: string, bytes: Buffer) => ({ mediaType, size: bytes.length, digest: sha256(bytes) })
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: described('application/vnd.docker.container.image.v1+json', config),
      layers: [described('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
    }),
  )
  const blobs = new Map([config, layer].map((bytes) => [`/v2/small/blobs/${sha256(bytes)}`, bytes]))
  const manifests = new Set(['/v2/small/manifests/1', `/v2/small/manifests/${sha256(manifest)}`])
  const wanted = `Basic ${Buffer.from(`reader:${password}`).toString('base64')}`

  const server = createServer(({ url = '', headers }, response) => {
    if (password !== undefined && headers.authorization !== wanted)
      return response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end('{"errors":[]}')
    if (url === '/v2/') return response.end('{}')
    if (manifests.has(url))
      return response
        .writeHead(200, {
          'content-type': MANIFEST,
          'content-length': manifest.length,
          'docker-content-digest': sha256(manifest),
        })
        .end(manifest)
    const blob = blobs.get(url)
    if (blob !== undefined) return response.end(blob)
    const unknown = { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'manifest unknown' }] }
    return response.writeHead(404, { 'content-type': 'application/json' }).end(JSON.stringify(unknown))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { host: `127.0.0.1:${address.port}` }
}
