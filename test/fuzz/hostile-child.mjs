// A stdio server that says on `play` whatever bytes its call holds, and is sound in all else. `node hostile-child.mjs legacy|modern`
import { bytesOf, filled, soundAnswer } from './script.mjs'

const era = process.argv[2]
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`)
let rest = ''

process.stdin.setEncoding('utf8')
process.stdin.on('end', () => process.exit(0))
process.stdin.on('data', (chunk) => {
  const lines = (rest + chunk).split('\n')
  rest = lines.pop()
  for (const line of lines) hear(JSON.parse(line))
})

function hear(request) {
  if (request.method === undefined) return
  const { chunks, end } = request.params?.arguments ?? {}
  if (request.method !== 'tools/call' || request.params.name !== 'play') {
    const answer = soundAnswer(request, era)
    if (answer !== undefined) say(answer)
    return
  }
  for (const chunk of chunks) process.stdout.write(Buffer.from(filled(bytesOf(chunk), request), 'latin1'))
  if (end === 'cut') process.exit(1)
  // On a line of its own, whatever was said before.
  process.stdout.write('\n')
  if (end === 'answer') say(soundAnswer(request, era))
}
