// What is looked for in new sentences. Every gap in a pattern is bounded, so that the time is linear in the text.
import { hasUnseen } from '../../../core/text/hidden-characters.ts'

export const heldRules = [
  'too-long',
  'hidden-characters',
  'talks-past-user',
  'secrets-and-paths',
  'outside-address',
  'names-other-tool',
] as const
export const noteRules = ['emphasis', 'grew', 'claims-safety', 'claims-effect'] as const

export type HeldRule = (typeof heldRules)[number]
export type NoteRule = (typeof noteRules)[number]

export interface NewSentence {
  readonly text: string
  readonly others: ReadonlySet<string>
  /** The name of the tool itself. */
  readonly own: string
}

type Finds = (sentence: NewSentence) => boolean

export type SentenceRule =
  | { readonly holds: true; readonly name: HeldRule; readonly finds: Finds }
  | { readonly holds: false; readonly name: NoteRule; readonly finds: Finds }

/** Letters of Greek and Cyrillic that look Latin, beside Latin ones in one word. */
const lookalikes = /\p{Script=Latin}[аеорсухіјԁһѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТХ]|[аеорсухіјԁһѕΑΒΕΖΗΙΚΜΝΟΡΤΥΧοАВЕКМНОРСТХ]\p{Script=Latin}/u
/** So much room that what stands behind it is off the screen. */
const room = /[ \t]{80}|(?:\n[ \t]{0,20}){12}/
const comment = /<!--|<[^>]{0,40}display:\s{0,5}none/i
const coded = /(?=[A-Za-z0-9+/=_-]{0,100}[A-Z])(?=[A-Za-z0-9+/=_-]{0,100}[0-9])[A-Za-z0-9+/=_-]{120}/

/** What a text keeps from people, by what it does it; undefined where nothing is. */
export function hidden(text: string): string | undefined {
  if (hasUnseen(text)) return 'characters that cannot be seen'
  if (lookalikes.test(text)) return 'letters of other scripts that look Latin'
  if (comment.test(text)) return 'text that is not shown'
  if (room.test(text)) return 'text behind blank space'
  if (coded.test(text)) return 'coded text'
  return undefined
}

const words = (text: string): RegExp => new RegExp(text, 'iu')
const negative = "(?:do not|don't|dont|never|must not|mustn't|should not|shouldn't|without|avoid|need not|no need to)"
const people = '(?:users?|humans?|operators?|person|people|anyone|anybody|them|customers?|developers?|administrators?|admins?)'
const orders = '(?:instructions?|prompts?|rules?|guidelines?|directions?|directives?|guardrails?|policies|restrictions|safety)'
const telling =
  '(?:tell|telling|mention|mentioning|inform|informing|notify|notifying|alert|alerting|show|showing|reveal|revealing|disclos\\w{1,4}|warn|warning|ask|asking|let|display|displaying|explain|explaining|report|reporting|expos\\w{1,4}|consult\\w{0,3}|prompt|prompting)'

/** Past the user, or past what the model was told before. */
const past: readonly RegExp[] = [
  words(
    `\\b(?:ignor\\w{1,3}|disregard\\w{0,3}|forget\\w{0,4}|overrid\\w{1,3}|bypass\\w{0,3}|skip|supersed\\w{1,3})\\b.{0,30}\\b(?:previous|prior|above|earlier|preceding|existing|other|system|all|any|your|these|those|safety)\\b.{0,20}\\b${orders}`,
  ),
  words(`\\b${negative} .{0,15}\\b${telling}\\b.{0,40}\\b${people}\\b`),
  words(
    `\\bwithout (?:the )?(?:users?|anyone)(?:'s?|s')? (?:\\w{1,12} )?(?:knowledge|consent|confirmation|permission|approval|knowing|noticing)`,
  ),
  words(`\\b${negative} .{0,20}\\b(?:mention|reveal|disclose|refer to|talk about) (?:this|these|it|that|the (?:step|instruction|content))`),
  words(`\\b(?:hid\\w{1,4}|conceal\\w{0,3}|keep\\w{0,3}|withh\\w{2,6})\\b.{0,50}\\b(?:from|secret from) (?:the |any )?${people}\\b`),
  words('\\b(?:secretly|covertly|stealthily|surreptitiously|in secret|behind the scenes,? (?:send|copy|forward|call))\\b'),
  words(
    '\\b(?:silently|quietly|invisibly) (?:send|forward|copy|read|include|append|upload|run|execute|call|pass|add|collect|post|exfiltrate|log)\\b',
  ),
  words('<\\/?\\s{0,3}(?:important|system|secret|instructions?|hidden|admin|assistant|critical|sys|user_instructions?)\\b[^>]{0,40}>'),
  words(
    '<\\|(?:im_start|im_end|system|user|assistant|endoftext)\\|>|\\[\\/?(?:INST|SYS(?:TEM)?)\\]|^#{1,4} ?system\\b|^(?:system|assistant) ?:',
  ),
  words(
    "\\b(?:your|the model'?s|reveal|print|repeat|output|override|replace|from the|ignore) (?:the |your )?(?:\\w{1,12} )?(?:system|developer) (?:prompt|message|instructions?)",
  ),
  words(
    '\\b(?:you are now|you are no longer|pretend (?:to be|that you)|jailbreak|developer mode|act as (?:an? )?(?:admin|root|system|unrestricted))\\b',
  ),
  words(`\\b(?:the )?users? (?:has|have|already|had) .{0,20}\\b(?:approved|consented|authori[sz]ed|agreed|granted|confirmed)\\b`),
  words(
    `\\b(?:after|once|when|since|now that) .{0,25}\\b(?:approv\\w{1,3}|trusted|installed|reviewed|whitelisted|allow-?listed)\\b.{0,80}\\b(?:must|run|execute|read|send|call|post|include)\\b`,
  ),
  words(`\\b(?:even if|regardless of (?:what|whether)|no matter (?:what|if)) (?:the )?users?\\b`),
  words(
    `\\b(?:no|not?) .{0,15}\\b(?:need|require\\w{0,2}|necessary) .{0,15}\\b(?:ask|confirm|tell|inform|user confirmation|user approval|user consent)`,
  ),
  words(
    '\\b(?:in|for|on) (?:all|every|any) (?:future|subsequent|following|other|later) (?:calls?|responses?|conversations?|requests?|messages?|turns?|tasks?|tools?)\\b',
  ),
  words('\\bfrom (?:now|this point|here) on(?:wards?)?\\b.{0,60}\\b(?:always|must|never|include|send|call|use|treat)\\b'),
  words(
    '\\b(?:before|prior to|after|when|whenever)\\b.{0,20}\\b(?:us|call|invok|execut|run|runn)(?:e|es|ed|ing|s)?\\b.{0,10}\\b(?:any|every|all|each)\\b.{0,20}\\b(?:tools?|commands?)\\b',
  ),
  words(
    '\\b(?:instead of|rather than|in preference to|over|not use|never use|avoid) (?:any|all|every|the)? ?others? (?:\\w{1,12} )?tools?\\b',
  ),
  words('\\brequired (?:initiali[sz]ation|init|setup|set-up|verification|compliance) step\\b'),
  words('\\b(?:otherwise|or else)\\b.{0,40}\\b(?:shut ?down|terminated|deleted|punished|banned|breaks? everything)\\b'),
  // The best known of these in other languages.
  /ignor(?:a|e|ez|ar|iere|ieren)\b.{0,30}\b(?:instrucciones|instructions|anweisungen|instruções|istruzioni)|(?:忽略|无视).{0,12}(?:指令|指示|提示)|игнорируй.{0,30}инструкци|以前の指示を無視/iu,
  /\b(?:no (?:le )?(?:digas|menciones|informes)|ne (?:dites|dis|mentionnez) (?:pas|rien)|(?:sag|sage|sagen|erwähne|zeige) .{0,20}\b(?:nicht|nichts)\b|não (?:diga|mencione)|non dire).{0,30}\b(?:usuario|utilisateur|benutzer|nutzer|usuário|utente)|不要(?:告诉|通知|提及).{0,6}用户|не (?:говори|сообщай).{0,20}пользовател/iu,
]

const hardPaths: readonly RegExp[] = [
  words('(?:~|\\$HOME|%USERPROFILE%|/root|/home/[\\w.-]{1,32}|/Users/[\\w.-]{1,32})[/\\\\]\\.[\\w-]{2,32}'),
  words(
    '\\.ssh\\b|\\bid_(?:rsa|ed25519|ecdsa|dsa)\\b|\\bauthorized_keys\\b|\\.aws/|\\.kube/config|\\.netrc\\b|\\.npmrc\\b|\\.pypirc\\b|\\.git-credentials\\b|\\.docker/config',
  ),
  words('/etc/(?:passwd|shadow|sudoers|hosts)\\b|/proc/self/environ|\\bSAM hive\\b'),
  words(
    '(?<![\\w.])\\.env(?:\\.[\\w-]{1,20})?\\b|\\bmcp\\.json\\b|\\bclaude_desktop_config|\\.cursor/|\\bkeychain\\b|\\bkeyring\\b|\\bwallet\\.dat\\b|\\bcookies?\\.sqlite\\b|\\blogin data\\b',
  ),
  words('\\b(?:seed phrase|recovery phrase|private keys?|ssh keys?|BEGIN [A-Z ]{0,20}PRIVATE KEY)\\b'),
  words(
    '\\|\\s{0,3}(?:base64|curl|wget|nc|sh|bash)\\b|\\b(?:curl|wget)\\b.{0,80}(?:-d\\b|--data|--post-data|-X ?POST|-F\\b)|\\brm -rf\\b|\\bchmod (?:-R|0?[67][67][67])',
  ),
]
const softSecrets = words(
  '\\b(?:api[ _-]?keys?|passwords?|passphrases?|credentials?|access tokens?|auth(?:entication|orization)? tokens?|bearer tokens?|session (?:tokens?|cookies?)|secrets|secret keys?|client secrets?|environment variables|(?:full|entire|whole|complete) (?:conversation|chat)|(?:conversation|chat|message) (?:history|log|transcript)|credit card (?:numbers?|details))\\b',
)
const moves =
  '(?:includ\\w{1,3}|send\\w{0,3}|shar\\w{1,3}|put\\w{0,4}|pass\\w{0,3}|provid\\w{1,3}|past\\w{1,3}|expos\\w{1,3}|log(?:s|ged|ging)?|stor(?:e|es|ed|ing)|print\\w{0,3}|contain\\w{0,3}|enter\\w{0,3}|reveal\\w{0,3}|commit\\w{0,4}|append\\w{0,3}|add\\w{0,3}|post\\w{0,3}|upload\\w{0,3}|forward\\w{0,3}|copy\\w{0,3}|email\\w{0,3}|writ\\w{1,3}|read\\w{0,3}|return\\w{0,3}|transmit\\w{0,4}|attach\\w{0,3}|fetch\\w{0,3}|collect\\w{0,3}|set\\w{0,4}|suppl\\w{1,4}|extract\\w{0,3}|retriev\\w{1,3}|giv\\w{1,3})'
const forbidden = words(
  `\\b(?:do not|don't|dont|never|must not|mustn't|should not|shouldn't|cannot|can't|avoid|without|does not|doesn't|not)\\b (?!forget|fail|hesitate|omit|skip|only|just)(?:\\w{1,12} ){0,2}(?:${moves}|requir\\w{1,3}|need\\w{0,3}|us(?:e|es|ing))\\b`,
)
const handles = words(`\\b${moves}\\b`)
const moved = words(
  `\\b(?:then|instead|but|and|also|;|,)\\s{0,3}(?:\\w{1,12} ){0,2}?(?:include|send|share|put|pass|append|post|upload|forward|copy|email|write|read|transmit|attach|fetch|collect)\\b`,
)

function namesSecrets({ text }: NewSentence): boolean {
  // That a service needs a key, or a form has a field for one, asks nobody to hand it over.
  const isSoft = softSecrets.test(text) && handles.test(text)
  if (!isSoft && !hardPaths.some((one) => one.test(text))) return false
  const negation = forbidden.exec(text)
  if (negation === null) return true
  // A sentence that forbids one thing may ask for the next.
  const behind = text.slice(negation.index + negation[0].length)
  return moved.test(behind) || hardOrSoft(text.slice(0, negation.index))
}

const reads = '(?:read|cat|open|load|copy|extract|append|attach|upload|forward|send|post|transmit)'
const passes = '(?:include|pass|send|append|put|provide|post|upload|attach|forward|supply|insert|transmit|add|copy)'
const handing: readonly RegExp[] = [
  words(`^\\W{0,3}(?:first|then|please|always|now|next|before|important)\\b.{0,60}\\b${reads}\\b`),
  words(`\\b(?:you|assistant|model|agent|llm) (?:must|should|need to|have to|shall)\\b.{0,60}\\b${reads}\\b`),
  words(`\\b${passes}\\b.{0,60}\\bcontents?\\b`),
  words(`\\b${passes}\\b.{0,80}\\b(?:as|in|into|to)\\b.{0,30}\\b(?:sidenote|note|context|https?)\\b`),
  words('\\|\\s{0,3}(?:base64|curl|wget|nc|sh|bash)\\b'),
]

/** Whether a sentence that names a file of secrets asks for it to be read or passed on; tools that work with such files name them too. */
export function handsOver(text: string): boolean {
  return hardPaths.some((one) => one.test(text)) && handing.some((one) => one.test(text))
}

const sending = words(
  '\\b(?:send|post|upload|forward|copy|submit|transmit|report|deliver|exfiltrate)\\b.{0,40}\\b(?:results?|outputs?|data|contents?|files?|cop(?:y|ies)|messages?|conversations?|everything|responses?|keys?|tokens?|credentials?|them|arguments|inputs?|logs?)\\b.{0,40}\\bto\\b.{0,30}(?:https?|wss?|ftp):',
)

/** Whether a sentence asks for something to be sent to an address that it names. */
export function sendsToAddress(text: string): boolean {
  return sending.test(text)
}

function hardOrSoft(text: string): boolean {
  return softSecrets.test(text) || hardPaths.some((one) => one.test(text))
}

/** A name that is a word by itself is another tool's only where the sentence says so. */
const plainWord = /^[a-z]+$/i

function namesOther({ text, others, own }: NewSentence): boolean {
  if (others.size === 0) return false
  for (const [name] of text.matchAll(/[\p{L}\p{N}][\p{L}\p{N}_.:/-]{0,127}/gu)) {
    const plain = name.replace(/[.:/-]+$/, '')
    if (plain === own || !others.has(plain)) continue
    if (!plainWord.test(plain) || /[a-z][A-Z]/.test(plain)) return true
    if (saidAsTool(text, plain)) return true
  }
  return false
}

function saidAsTool(text: string, name: string): boolean {
  return [`\`${name}\``, `"${name}"`, `'${name}'`, `${name} tool`, `tool ${name}`, `${name}()`].some((form) => text.includes(form))
}

const safety: readonly RegExp[] = [
  words('\\b(?:completely|fully|totally|perfectly|entirely|always|100%) (?:safe|secure|harmless|trusted|private)\\b'),
  words('\\b(?:safe|harmless) (?:to (?:run|call|use|execute|approve|auto-?approve)|and (?:trusted|verified|secure))\\b'),
  words('\\b(?:security|officially|independently) (?:verified|approved|audited|certified|reviewed)\\b'),
  words('\\b(?:verified|trusted|approved) by (?:the )?(?:security|anthropic|openai|google|microsoft|admin\\w{0,10}|it)\\b'),
  words('\\b(?:no|without) (?:risk|side ?effects|confirmation|approval)\\b'),
  words('\\bthis (?:tool|action|operation) is (?:safe|harmless|trusted)\\b'),
]

const effects = words(
  '\\b(?:delet\\w{1,3}|remov\\w{1,3}|overwrit\\w{1,3}|upload\\w{0,3}|send\\w{0,3}|publish\\w{0,3}|execut\\w{1,3}|transfer\\w{0,4}|purchas\\w{1,3}|personal data|external (?:endpoint|server|service|system|url)|third[- ]part(?:y|ies))\\b',
)

export const rulesOfSentences: readonly SentenceRule[] = [
  { holds: true, name: 'talks-past-user', finds: ({ text }) => past.some((one) => one.test(text)) },
  { holds: true, name: 'secrets-and-paths', finds: namesSecrets },
  { holds: true, name: 'names-other-tool', finds: namesOther },
  { holds: false, name: 'claims-safety', finds: ({ text }) => safety.some((one) => one.test(text)) },
  { holds: false, name: 'claims-effect', finds: ({ text }) => effects.test(text) },
]

const loud = /\b(?:MUST|ALWAYS|NEVER|IMPORTANT|CRITICAL|URGENT|REQUIRED|MANDATORY|WARNING|IMMEDIATELY|ONLY|FIRST)\b/g

export function wordsOfEmphasis(text: string): number {
  return text.match(loud)?.length ?? 0
}
