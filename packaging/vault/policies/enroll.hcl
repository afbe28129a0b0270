# Lets the device management issue wrapped secret-ids and nothing else.
path "auth/approle/role/claviger/role-id" {
  capabilities = ["read"]
}

path "auth/approle/role/claviger/secret-id" {
  capabilities = ["update"]
  # A secret-id is never seen: only a token that unwraps it, once and soon.
  min_wrapping_ttl = "1s"
  max_wrapping_ttl = "24h"
}
