// Results as servers of the SDK send them, of several sizes and kinds, and the timing of what is done with one (bench/quality.mjs, bench/guards.mjs).

const row = (id) => ({ id, name: `Customer ${id}`, email: `c${id}@example.com`, active: id % 3 !== 0, balance: id * 12.5, note: null })
const rows = (bytes) => {
  const list = []
  for (let size = 0; size < bytes; size += JSON.stringify(list.at(-1)).length + 1) list.push(row(list.length))
  return { rows: list, total: list.length }
}
const table = (bytes) => {
  let text = '| id | name | email |\n|---|---|---|\n'
  for (let id = 0; text.length < bytes; id += 1) text += `| ${id} | Customer ${id} | c${id}@example.com |\n`
  return text
}
const sentence = 'The quarterly report shows that sales in the northern region have grown by four percent since the last review. '
const prose = (bytes) => sentence.repeat(Math.ceil(bytes / sentence.length)).slice(0, bytes)
const texts = (text) => ({ content: [{ type: 'text', text }] })
const both = (value) => ({ content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value })

const small = {
  id: 17,
  name: 'Customer 17',
  email: 'c17@example.com',
  active: true,
  address: { street: 'Long Street 4', city: 'Ghent' },
  tags: ['a', 'b'],
  score: 4.5,
  note: 'prefers mail',
}
export const cases = {
  '200 B JSON, text': texts(JSON.stringify(small)),
  '200 B JSON, structured': { content: [], structuredContent: small },
  '200 B JSON, both': both(small),
  '200 B prose': texts(prose(200)),
  '4 KiB JSON, text': texts(JSON.stringify(rows(4_096))),
  '4 KiB JSON, structured': { content: [], structuredContent: rows(4_096) },
  '4 KiB JSON, both': both(rows(4_096)),
  '4 KiB table': texts(table(4_096)),
  '4 KiB prose': texts(prose(4_096)),
  '1 MiB JSON, text': texts(JSON.stringify(rows(1_048_576))),
  '1 MiB JSON, both': both(rows(1_048_576)),
}

/** Of the whole process: collecting what a look leaves behind is part of its cost. */
const cpuUs = () => {
  const { user, system } = process.cpuUsage()
  return user + system
}
/** us a call, of as many calls as take about a round's time. */
export const timed = (run, times) => {
  const before = cpuUs()
  for (let n = 0; n < times; n += 1) run()
  return (cpuUs() - before) / times
}
