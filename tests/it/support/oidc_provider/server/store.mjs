// What the provider stores, in memory. It outlives a change of the options.

const now = () => Date.now() / 1000;

export class Store {
  #entries = new Map();

  // The class of an adapter, as oidc-provider documents it. A used refresh token counts as unused
  // for `grace` seconds.
  adapter(grace) {
    const entries = this.#entries;
    return class {
      constructor(model) {
        this.key = (id) => `${model}:${id}`;
        this.first = (matches) =>
          [...entries.values()].find((payload) => payload.kind === model && matches(payload));
      }

      async upsert(id, payload) {
        entries.set(this.key(id), payload);
      }

      async find(id) {
        const payload = entries.get(this.key(id));
        return payload?.consumed + grace > now() ? { ...payload, consumed: undefined } : payload;
      }

      async findByUid(uid) {
        return this.first((payload) => payload.uid === uid);
      }

      async findByUserCode(code) {
        return this.first((payload) => payload.userCode === code);
      }

      async consume(id) {
        entries.get(this.key(id)).consumed = now();
      }

      async destroy(id) {
        entries.delete(this.key(id));
      }

      async revokeByGrantId(grantId) {
        for (const [key, payload] of entries) {
          if (payload.grantId === grantId) entries.delete(key);
        }
      }
    };
  }

  // Revokes all that the user has granted. The user stays signed in at the provider.
  revoke(user) {
    for (const [key, payload] of this.#entries) {
      if (payload.accountId === user && payload.kind !== 'Session') this.#entries.delete(key);
    }
  }
}
