import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** Room for young objects, in MB. Of V8's own 48 the thread would keep 30 for good after its first large batch; with these, 15. */
const resourceLimits = { maxYoungGenerationSizeMb: 24 }

/** Starts a thread at a module; at a TypeScript one, as tests run, with the loader, which threads do not inherit. */
export const startThread = (entry: URL, workerData: unknown): Worker => {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, { workerData, resourceLimits })
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))
  const loader = new URL('./dist/esm/api/index.mjs', tsx).href
  const [from, module] = [JSON.stringify(loader), JSON.stringify(entry.href)]
  return new Worker(`import(${from}).then((tsx) => { tsx.register(); return import(${module}) })`, {
    eval: true,
    workerData,
    resourceLimits,
  })
}
