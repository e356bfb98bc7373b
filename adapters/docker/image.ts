import { lineSplitter } from '../../domain/instance/line-splitter.ts'
import { type Program, startFailed } from '../../domain/instance/runtime.ts'
import type { Engine } from './engine.ts'
import { pullFailure } from './engine-failure.ts'
import { pullProgress } from './pull-progress.ts'

/** A pull that has not said anything for this long is given up. */
const SILENT_PULL_MS = 120_000
const MAX_PROGRESS_LINE = 64 * 1024

type Image = Extract<Program, { kind: 'image' }>

/** Where an image comes from, as the engine's login has it. */
const registryOf = (image: string): string => {
  const [first = '', ...rest] = image.split('/')
  const named = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost')
  return named ? first : 'https://index.docker.io/v1/'
}

/**
 * Pulls an image that the engine does not have; one that is there is used as it is.
 * @param say gets progress, in lines for people
 */
export const ensureImage = async (
  engine: Engine,
  { image, credentials }: Image,
  options: { readonly signal: AbortSignal; readonly say: (line: string) => void },
): Promise<void> => {
  if ((await engine.image(image)) !== undefined) return
  const { signal, say } = options
  const auth = credentials === undefined ? undefined : { ...credentials, serveraddress: registryOf(image) }
  say(`pulling the image ${image}`)
  const silence = new AbortController()
  const either = AbortSignal.any([signal, silence.signal])
  const quiet = () => silence.abort(startFailed(`The image ${image} could not be pulled: no progress for two minutes.`))
  let timer = setTimeout(quiet, SILENT_PULL_MS)
  try {
    const progress = pullProgress(performance.now())
    const lines = lineSplitter({
      maxBytes: MAX_PROGRESS_LINE,
      onTooLong: () => {},
      onLine(line) {
        const text = progress(line, performance.now())
        if (text !== undefined) say(text)
      },
    })
    const stream = await engine.pull(image, { auth, signal: either })
    for await (const chunk of stream) {
      either.throwIfAborted()
      clearTimeout(timer)
      timer = setTimeout(quiet, SILENT_PULL_MS)
      lines.push(Buffer.from(chunk))
    }
  } catch (error) {
    signal.throwIfAborted()
    throw pullFailure(image, silence.signal.aborted ? silence.signal.reason : error, engine.where)
  } finally {
    clearTimeout(timer)
  }
}
