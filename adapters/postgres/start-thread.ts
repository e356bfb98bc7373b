import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'

/** Starts a thread at a module; at a TypeScript one, as tests run, with the loader, which threads do not inherit. */
export const startThread = (entry: URL, workerData: unknown): Worker => {
  if (!entry.pathname.endsWith('.ts')) return new Worker(entry, { workerData })
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/package.json'))
  const loader = new URL('./dist/esm/api/index.mjs', tsx).href
  const [from, module] = [JSON.stringify(loader), JSON.stringify(entry.href)]
  return new Worker(`import(${from}).then((tsx) => { tsx.register(); return import(${module}) })`, {
    eval: true,
    workerData,
  })
}
