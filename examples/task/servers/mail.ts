/**
 * A mail server: MCP over stdio. It sends by putting a message into the recipient's Maildir, and reads one mailbox.
 *
 *   node mail.ts <spool> <own address>
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CallToolResult, McpServer } from '@modelcontextprotocol/server'
import { serveStdio } from '@modelcontextprotocol/server/stdio'
import { z } from 'zod'

const [spool = './spool', own = 'nobody@example.com'] = process.argv.slice(2)

/** A mailbox is a folder here, so an address has only what is harmless in the name of one. */
const address = z
  .string()
  .regex(/^[a-z0-9][\w+-]*(?:\.[\w+-]+)*@[a-z0-9-]+(?:\.[a-z0-9-]+)+$/, 'not an address')
/** One line: what follows a line break would be another header. */
const line = z.string().regex(/^[^\p{Cc}]{1,200}$/u, 'must be one line')

interface Message {
  readonly to: string
  readonly subject: string
  readonly body: string
}

/** Delivered when it is whole: written beside, then moved into place, as Maildir has it. */
async function deliver({ to, subject, body }: Message): Promise<void> {
  const id = randomUUID()
  const mailbox = join(spool, to)
  for (const folder of ['tmp', 'new']) await mkdir(join(mailbox, folder), { recursive: true })
  const headers = [
    `Message-ID: <${id}@example.com>`,
    `Date: ${new Date().toUTCString()}`,
    `From: ${own}`,
    `To: ${to}`,
    `Subject: ${subject}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
  ]
  await writeFile(join(mailbox, 'tmp', id), `${headers.join('\n')}\n\n${body}\n`, { flag: 'wx' })
  await rename(join(mailbox, 'tmp', id), join(mailbox, 'new', id))
}

async function received(): Promise<string[]> {
  const folder = join(spool, own, 'new')
  const names = await readdir(folder).catch(() => [])
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
}

function text(value: string): CallToolResult {
  return { content: [{ type: 'text', text: value }] }
}

function createServer(): McpServer {
  const server = new McpServer({ name: 'mail', version: '1.0.0' })
  server.registerTool(
    'send',
    {
      description: 'Sends a message',
      inputSchema: z.object({ to: address, subject: line, body: z.string() }),
    },
    async (message) => {
      await deliver(message)
      return text(`sent to ${message.to}`)
    },
  )
  server.registerTool('read', { description: `Reads the mail of ${own}` }, async () =>
    text((await received()).join('\n---\n') || 'no mail'),
  )
  return server
}

serveStdio(createServer)
