/** nginx as a plain reverse proxy with kept connections: what the same way costs in C, without looking at a message. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { start } from './processes.ts'

/** Whether nginx can be run. */
export function hasNginx(): boolean {
  return spawnSync('nginx', ['-v']).error === undefined
}

/** Starts one, in one process. */
export async function startNginx(upstreamPort: number) {
  const port = await freePort()
  const folder = mkdtempSync(path.join(tmpdir(), 'tollgate-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'nginx.conf')
  writeFileSync(file, config(port, upstreamPort, folder))
  const child = start('measured', ['nginx', '-p', folder, '-e', 'stderr', '-c', file])
  for (let attempt = 0; attempt < 100; attempt++) {
    if (await answers(port)) return { child, port, token: '' }
    await sleep(50)
  }
  throw new Error('nginx did not start')
}

function config(port: number, upstreamPort: number, folder: string): string {
  const scratch = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr error;
events { worker_connections 1024; }
http {
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; server_tokens off;
  ${scratch.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  upstream behind { server 127.0.0.1:${upstreamPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port} backlog=511;
    location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
