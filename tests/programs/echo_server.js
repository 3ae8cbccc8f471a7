// SPDX-License-Identifier: MIT
// A Node TCP server that echoes. A connection whose first byte is 'k' is kept when the peer has
// ended: allowHalfOpen, and an 'end' that nobody answers.
'use strict';
const net = require('net');

const server = net.createServer({allowHalfOpen: true}, (socket) => {
  let kept = false, first = true;
  socket.on('data', (bytes) => {
    kept = first ? bytes[0] === 0x6b : kept;
    first = false;
    socket.write(bytes);
  });
  socket.on('end', () => kept || socket.end());
  socket.on('error', () => socket.destroy());
});

server.listen(0, '127.0.0.1', 256, () =>
  console.log(`listening on 127.0.0.1:${server.address().port}`));
