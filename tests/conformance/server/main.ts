import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { conformanceOverHttp } from './http.ts'
import { createConformanceServer } from './server.ts'

// The server as a program: on PORT where that is set, else on stdin and stdout.

const { PORT } = process.env
if (PORT === undefined) await createConformanceServer().connect(new StdioServerTransport())
else conformanceOverHttp(createConformanceServer).listen(Number(PORT), '127.0.0.1')
