// nginx as a plain reverse proxy in front of the benchmark's server: what a hop costs that looks at nothing.
import { spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { spawnQuietly, workerOf } from './processes.mjs'

const program = ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find((path) => existsSync(path))

/** Undefined where this machine has none (Debian: `apt-get install nginx-light`). `upstream`: port of the server. */
export async function startNginx(folder, upstream) {
  if (program === undefined) {
    console.error('There is no nginx on this machine; its row is left out.')
    return undefined
  }
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log stderr crit;
events { worker_connections 1024; }
http {
  access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_requests 10000000;
  upstream up { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 10000000; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_buffering off; } }
}
`,
  )
  const tried = spawnSync(program, ['-t', '-p', folder, '-c', file], { encoding: 'utf8' })
  if (tried.status !== 0) throw new Error(tried.stderr)
  const master = spawnQuietly(1, program, ['-p', folder, '-c', file])
  return { port, pid: await workerOf(master) }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
