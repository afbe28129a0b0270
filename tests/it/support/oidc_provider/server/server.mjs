// Runs oidc-provider with the options of argv, and the tests' own routes beside it:
//
//     PUT /admin/options   replaces the options
//     POST /admin/keys     replaces the keys for signing
//     POST /admin/revoke   revokes all that the user of the body has granted
//
//     node server.mjs PORT OPTIONS

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { loginPage } from './login.mjs';
import { createProvider } from './provider.mjs';
import { Store } from './store.mjs';

const port = Number(process.argv[2]);
let options = JSON.parse(process.argv[3]);
const store = new Store();
let keys = newKeys();
let provider = createProvider(options, store, keys);

function newKeys() {
  const ofType = (type, parameters, alg) => ({
    ...generateKeyPairSync(type, parameters).privateKey.export({ format: 'jwk' }),
    alg,
    use: 'sig',
    kid: randomUUID(),
  });
  return [
    ofType('rsa', { modulusLength: 2048 }, 'RS256'),
    ofType('ec', { namedCurve: 'P-256' }, 'ES256'),
  ];
}

async function admin(request) {
  const body = await read(request);
  switch (request.url) {
    case '/admin/options':
      options = JSON.parse(body);
      break;
    case '/admin/keys':
      keys = newKeys();
      break;
    case '/admin/revoke':
      store.revoke(body);
      return;
  }
  provider = createProvider(options, store, keys);
}

async function read(request) {
  let body = '';
  for await (const chunk of request) body += chunk;
  return body;
}

async function serve(request, response) {
  if (request.url.startsWith('/admin/')) {
    await admin(request);
    response.writeHead(204).end();
    return;
  }
  const { host, pathname, protocol } = new URL(options.issuer);
  request.headers.host = host;
  request.headers['x-forwarded-proto'] = protocol.slice(0, -1);
  if (request.url.startsWith('/interaction/')) {
    await loginPage(provider, options.users, request, response, read);
  } else {
    // The issuer's path; the library itself puts it into its URLs.
    const path = pathname.replace(/\/$/, '');
    if (request.url.startsWith(path)) request.url = request.url.slice(path.length);
    await provider.callback()(request, response);
  }
}

createServer((request, response) => {
  serve(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end(`${error}\n`);
  });
}).listen(port, '127.0.0.1');
