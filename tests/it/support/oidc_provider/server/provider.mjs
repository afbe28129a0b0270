// The provider's configuration, made from the options of `options.rs`.

import { Provider, interactionPolicy } from 'oidc-provider';

const SCOPES = ['openid', 'offline_access', 'profile', 'email', 'groups', 'llm'];
const CLAIMS = {
  openid: ['sub'],
  profile: ['name', 'preferred_username'],
  email: ['email', 'hd'],
  groups: ['groups'],
};

export function createProvider(options, store, keys) {
  const provider = new Provider(options.issuer, configuration(options, store, keys));
  // The URLs in its answers start with the issuer, which is the front's.
  provider.proxy = true;
  provider.on('server_error', (_ctx, error) => console.error(error));
  if (!options.issuer_on_redirect) provider.use(withoutIssuer);
  return provider;
}

function configuration(options, store, keys) {
  const { users } = options;
  return {
    adapter: store.adapter(options.rotation_grace),
    clients: options.clients,
    jwks: { keys },
    cookies: { keys: ['only a test'] },
    clockTolerance: 0,
    pkce: { required: () => true },
    responseTypes: ['code'],
    scopes: SCOPES,
    claims: CLAIMS,
    // The claims of the scopes are in the ID token.
    conformIdTokenClaims: false,
    clientAuthMethods: [
      'none', 'client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt',
    ],
    ttl: {
      AccessToken: options.access_token_ttl,
      ClientCredentials: options.access_token_ttl,
      DeviceCode: options.device_code_ttl,
      IdToken: options.id_token_ttl,
      RefreshToken: options.refresh_token_ttl,
      AuthorizationCode: 60,
      Grant: 86400,
      Interaction: 600,
      Session: 86400,
    },
    // As at Glewlwyd, so that a test can name the endpoints of both by their last part.
    routes: {
      authorization: '/auth',
      code_verification: '/device',
      device_authorization: '/device_authorization',
      revocation: '/revoke',
      registration: '/register',
      userinfo: '/userinfo',
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: options.device_flow },
      revocation: { enabled: options.revocation },
      registration: { enabled: options.registration },
      resourceIndicators: {
        enabled: true,
        defaultResource: (_ctx, _client, requested) => requested?.[0] ?? options.audience ?? undefined,
        useGrantedResource: () => true,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: SCOPES.join(' '),
          audience: resource,
          accessTokenTTL: options.access_token_ttl,
          accessTokenFormat: options.jwt_access_tokens ? 'jwt' : 'opaque',
        }),
      },
    },
    formats: {
      customizers: {
        jwt(_ctx, _token, { payload }) {
          // The library insists on an audience; this one does not get into the JSON.
          if (!options.audience_claim) Object.defineProperty(payload, 'aud', { enumerable: false });
        },
      },
    },
    extraTokenClaims: (_ctx, token) => users[token.accountId]?.claims,
    findAccount: (_ctx, id) =>
      users[id] && { accountId: id, claims: () => ({ sub: id, ...users[id].claims }) },
    interactions: {
      policy: withoutConsentOfNativeClients(),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    loadExistingGrant: (ctx) => grantEverything(ctx, options),
    issueRefreshToken: (_ctx, client, code) =>
      options.refresh_tokens === 'always'
      || (options.refresh_tokens === 'offline_access' && code.scopes.has('offline_access')),
    rotateRefreshToken: options.rotation,
    expiresWithSession: () => false,
    renderError(ctx, { error, error_description }) {
      ctx.type = 'text/plain';
      ctx.body = `${error}: ${error_description}\n`;
    },
  };
}

// Only `prompt=consent` asks for consent, as at the usual providers.
function withoutConsentOfNativeClients() {
  const policy = interactionPolicy.base();
  policy.get('consent').checks.remove('native_client_prompt');
  return policy;
}

// A company's own applications need no consent.
async function grantEverything(ctx, options) {
  const { client, session, params, provider } = ctx.oidc;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(SCOPES.join(' '));
  for (const resource of [params.resource, options.audience].flat()) {
    if (resource) grant.addResourceScope(resource, SCOPES.join(' '));
  }
  await grant.save();
  return grant;
}

// RFC 9207 is optional; oidc-provider always has it.
async function withoutIssuer(ctx, next) {
  await next();
  if (ctx.oidc?.route === 'discovery') {
    delete ctx.body.authorization_response_iss_parameter_supported;
  }
  const location = ctx.response.get('location');
  if (location?.includes('iss=')) {
    const url = new URL(location, ctx.href);
    url.searchParams.delete('iss');
    ctx.set('location', url.href);
  }
}
