// A provider of OpenID Connect for `tests/oauth`: panva's oidc-provider with one client and people
// who are who they type. Says "listening on PORT" once it does.
//
//   node provider.mjs REDIRECT_URI
import http from 'node:http';
import Provider from 'oidc-provider';

const server = http.createServer();
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const { port } = server.address();

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{
    client_id: 'our-client',
    client_secret: 'hunter2-and-some-more-of-it',
    redirect_uris: [process.argv[2]],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified', 'hd'], profile: ['name'] },
  conformIdTokenClaims: false, // in the ID token, as Google has them
  pkce: { required: () => true },
  cookies: { keys: ['of this run alone'] },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: `${id}@example.com`,
      email_verified: id !== 'mallory',
      hd: 'example.com',
      name: id.toUpperCase(),
    }),
  }),
});
server.on('request', provider.callback());
console.log(`listening on ${port}`);
