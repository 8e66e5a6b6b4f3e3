// Certificates for a test: an authority, and what it signs.
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

/** `NAME.pem` and `NAME-key.pem` in the folder. */
export class Authority {
  readonly cert: string
  private readonly folder: string

  constructor(folder: string, name = 'ca') {
    this.folder = folder
    this.cert = join(folder, `${name}.pem`)
    const made = [
      'req',
      '-x509',
      ...key,
      '-days',
      '2',
      '-subj',
      `/CN=${name}`,
      '-keyout',
      join(folder, `${name}-key.pem`),
      '-out',
      this.cert,
    ]
    execFileSync('openssl', made, { stdio: 'ignore' })
  }

  sign(name: string, san: string): { readonly cert: string; readonly key: string } {
    const at = (end: string): string => join(this.folder, `${name}${end}`)
    execFileSync('openssl', ['req', ...key, '-subj', `/CN=${name}`, '-keyout', at('-key.pem'), '-out', at('.csr')], { stdio: 'ignore' })
    writeFileSync(at('.ext'), `subjectAltName=${san}\n`)
    const authority = ['-CA', this.cert, '-CAkey', this.cert.replace(/\.pem$/, '-key.pem'), '-CAcreateserial']
    execFileSync('openssl', ['x509', '-req', '-in', at('.csr'), ...authority, '-days', '2', '-extfile', at('.ext'), '-out', at('.pem')], {
      stdio: 'ignore',
    })
    return { cert: at('.pem'), key: at('-key.pem') }
  }
}
