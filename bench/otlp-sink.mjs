// A collector that takes everything and keeps nothing. Prints one line of JSON with its port.
import { createServer } from 'node:http'

const server = createServer((req, res) => {
  req.resume()
  req.on('end', () => res.writeHead(200, ['Content-Length', '0']).end())
})
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })))
