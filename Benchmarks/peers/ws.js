// A relay on Node's ws: what a client sends on /publish goes to every socket on /read. The frame is made once an alert, by the
// library's own `Sender.frame`, and written to each socket as it is.
//
//     node ws.js PORT
'use strict';

const http = require('http');
const path = require('path');
const { WebSocketServer, WebSocket } = require('ws');
// Not among the package's exports.
const Sender = require(path.join(path.dirname(require.resolve('ws')), 'lib', 'sender.js'));

const readers = new Set();
const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false });
const server = http.createServer();

function broadcast(data) {
  const options = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: true };
  const frame = Buffer.concat(Sender.frame(data, options));
  for (const reader of readers) if (reader.readyState === WebSocket.OPEN) reader._socket.write(frame);
}

server.on('upgrade', (request, connection, head) => {
  sockets.handleUpgrade(request, connection, head, (socket) => {
    socket.on('error', () => {});
    if (request.url === '/read') {
      readers.add(socket);
      socket.on('close', () => readers.delete(socket));
    } else if (request.url === '/publish') {
      socket.on('message', broadcast);
    }
  });
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
