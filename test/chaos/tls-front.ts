// Certificates of a private authority, and a TLS front before a plain port on loopback whose certificate can be swapped while it runs.
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'

export interface Certificate {
  readonly key: string
  readonly cert: string
}

export interface Authority {
  /** The PEM file to trust. */
  readonly file: string
  readonly good: Certificate
  readonly wrongHost: Certificate
  readonly selfSigned: Certificate
  /** Signed by an authority that nobody trusts. */
  readonly foreign: Certificate
  remove(): void
}

export function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Makes it with the openssl of the machine. */
export function makeAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-tls-'))
  const run = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'ignore' })
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const root = (name: string): void =>
    run('req', '-x509', ...curve, '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`, '-days', '2')
  const leaf = (name: string, authority: string, host: string): Certificate => {
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${host}`)
    run('req', ...curve, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signer = ['-CA', `${authority}.pem`, '-CAkey', `${authority}.key`, '-CAcreateserial']
    run('x509', '-req', '-in', `${name}.csr`, ...signer, '-days', '2', '-out', `${name}.pem`, '-extfile', `${name}.ext`)
    return read(name)
  }
  const read = (name: string): Certificate => ({
    key: readFileSync(join(folder, `${name}.key`), 'utf8'),
    cert: readFileSync(join(folder, `${name}.pem`), 'utf8'),
  })
  root('authority')
  root('stranger')
  root('self')
  return {
    file: join(folder, 'authority.pem'),
    good: leaf('good', 'authority', 'IP:127.0.0.1'),
    wrongHost: leaf('wrong', 'authority', 'DNS:elsewhere.example'),
    foreign: leaf('foreign', 'stranger', 'IP:127.0.0.1'),
    selfSigned: read('self'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface TlsFront {
  readonly port: number
  /** New connections get this certificate; open ones are cut. Resolves when they are closed. */
  present(certificate: Certificate): Promise<void>
  stop(): Promise<void>
}

export async function startTlsFront(target: number, certificate: Certificate): Promise<TlsFront> {
  const open = new Set<TLSSocket>()
  const server = createServer(certificate, (socket) => {
    const inner = connect(target, '127.0.0.1')
    open.add(socket)
    socket.on('close', () => {
      open.delete(socket)
      inner.destroy()
    })
    for (const each of [socket, inner]) each.on('error', () => socket.destroy())
    socket.pipe(inner).pipe(socket)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = async (): Promise<void> => {
    await Promise.all(
      [...open].map((socket) => {
        const closed = once(socket, 'close')
        socket.destroy()
        return closed
      }),
    )
  }
  return {
    port: (server.address() as AddressInfo).port,
    present: (next) => {
      server.setSecureContext(next)
      return cut()
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        void cut()
      }),
  }
}
