# Lets a login read the key that all developers share. MOUNT and PATH are replaced by `setup`.
path "MOUNT/data/PATH/shared" {
  capabilities = ["read"]
}

# Lets the daemon read only the version of the secret when it looks for a new one.
path "MOUNT/metadata/PATH/shared" {
  capabilities = ["read"]
}
