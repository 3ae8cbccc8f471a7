// SPDX-License-Identifier: MIT
// A Node http server: answers the path, echoes a body. GET /exit ends it by process.exit().
'use strict';
const http = require('http');

const server = http.createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = `${request.method} ${request.url} ` + Buffer.concat(parts).toString();
    response.writeHead(200, {'Content-Type': 'text/plain', 'Content-Length': body.length});
    response.end(body);
    if (request.url === '/exit')
      response.on('close', () => process.exit(0));
  });
});

server.listen(0, '127.0.0.1', () =>
  console.log(`listening on 127.0.0.1:${server.address().port}`));
