// Which members of JSON are redacted whatever their value: by the words that their names end with, in any style of writing.
import { isTelling } from './secret-names.ts'

/** What a value is that has such a name, and how names of it end: words without separators, in small letters. */
const endings: Readonly<Record<string, readonly string[]>> = {
  password: ['password', 'passwd', 'passphrase', 'passcode', 'passwort', 'pass', 'pwd'],
  secret: ['secret', 'credential', 'sastoken', 'connectionstring', 'signingkey', 'encryptionkey', 'seedphrase', 'mnemonic'],
  token: ['token', 'jwt', 'bearer', 'sessioncookie', 'sessid', 'jsessionid', 'phpsessid'],
  api_key: ['apikey', 'accesskey', 'secretkey', 'subscriptionkey'],
  private_key: ['privatekey', 'sshkey', 'pem'],
  authorization: ['authorization', 'auth', 'authheader'],
  cookie: ['cookie'],
  code: ['pin', 'pincode', 'otp', 'totp', 'mfacode', 'onetimecode', 'verificationcode', 'backupcode', 'recoverycode'],
  ssn: ['ssn', 'socialsecuritynumber', 'socialsecurity'],
  national_id: [
    'nationalid',
    'taxid',
    'taxnumber',
    'taxpayerid',
    'itin',
    'passportnumber',
    'passportno',
    'driverslicense',
    'driverlicense',
    'licensenumber',
    'nationalinsurancenumber',
    'healthinsurancenumber',
  ],
  payment_card: ['cardnumber', 'cardno', 'creditcard', 'debitcard', 'creditcardnumber', 'ccnumber', 'ccnum', 'pan'],
  card_code: ['cvv', 'cvv2', 'cvc', 'cvc2', 'csc', 'cardcode', 'securitycode'],
  iban: ['iban'],
  bank_account: ['accountnumber', 'accountno', 'bankaccount', 'routingnumber', 'sortcode'],
  email: ['email', 'emailaddress', 'mailaddress'],
  phone: ['phone', 'phonenumber', 'telephone', 'telephonenumber', 'mobile', 'mobilenumber', 'cellphone', 'faxnumber', 'msisdn'],
  birth_date: ['dateofbirth', 'birthdate', 'birthday', 'dob'],
  person_name: ['firstname', 'lastname', 'fullname', 'givenname', 'familyname', 'surname', 'maidenname', 'middlename'],
  postal_address: ['streetaddress', 'postaladdress', 'homeaddress', 'billingaddress', 'shippingaddress', 'addressline'],
}

const kindOf = new Map(Object.entries(endings).flatMap(([kind, names]) => names.map((name) => [name, kind] as const)))

/** Names of what redacts; no name of a member is longer in a table of these. */
const longestName = 64
const mostWords = 4
const mostKept = 2_048

export class SensitiveNames {
  private readonly configured: ReadonlySet<string>
  /** Names that were looked at, for they come again with each call of a tool. */
  private readonly known = new Map<string, string>()

  /** `configured`: names of members that are redacted too, whole, in any style of writing. */
  constructor(configured: readonly string[]) {
    this.configured = new Set(configured.map((name) => wordsOf(name).join('')))
  }

  get isConfigured(): boolean {
    return this.configured.size > 0
  }

  /** What the value of such a member is; '' where its name says nothing of it. */
  kindOf(name: string): string {
    if (name.length > longestName) return this.look(name.slice(-longestName))
    let kind = this.known.get(name)
    if (kind === undefined) {
      kind = this.look(name)
      if (this.known.size >= mostKept) this.known.clear()
      this.known.set(name, kind)
    }
    return kind
  }

  private look(name: string): string {
    const words = wordsOf(name)
    if (this.configured.has(words.join(''))) return 'configured'
    // A path.
    if (name.includes('/')) return ''
    return endingOf(words) || (isTelling(name) ? 'secret' : '')
  }
}

function endingOf(words: readonly string[]): string {
  let end = ''
  for (let count = 1; count <= mostWords && count <= words.length; count += 1) {
    end = words.at(-count) + end
    // Several of them: `api_keys`.
    const kind = kindOf.get(end) ?? (end.endsWith('s') ? kindOf.get(end.slice(0, -1)) : undefined)
    if (kind === undefined) continue
    // Tokens that say where to read on, and those of texts: `page_token`, `max_tokens`.
    if (/^tokens?$/.test(end) && words.length > 1 && !isTelling(`${words.slice(0, -1).join('')}token`)) return ''
    return kind
  }
  return ''
}

/** In small letters: `newPassword2`, `new-password` and `NEW_PASSWORD` have the same. */
function wordsOf(name: string): string[] {
  return name
    .replace(/[0-9]{1,4}$/, (digits) => (/^(?:cv[vc])2$/i.test(name.slice(-4)) ? digits : ''))
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word.toLowerCase())
}

/** Names of identifiers, digests and marks of where to read on, whose values look as if they were made by chance, and open nothing. */
const identifying =
  /(?:^|[^a-z])(?:id|ids|uuid|guid|key|ref|sha\d*|hash|digest|checksum|md5|etag|integrity|fingerprint|revision|commit|cursor|after|before|marker|pagetoken|page_token|next_?page_?token|sync_?token|continuation|thumbprint|intent|state_?version|version|resource_?version)$/

export function isIdentifying(name: string): boolean {
  if (name.length > longestName) return false
  return identifying.test(
    name
      .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .replaceAll('-', '_'),
  )
}
