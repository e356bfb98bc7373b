import { parseArgs } from 'node:util'
import { findLeaks } from './leaks.ts'

const { values } = parseArgs({
  options: { clients: { type: 'string', default: '1000' }, stdio: { type: 'string', default: '50' } },
})
const left = await findLeaks({ clients: Number(values.clients), stdioClients: Number(values.stdio), note: console.log })
process.exitCode = Object.values(left).every((more) => more.length === 0) ? 0 : 1
