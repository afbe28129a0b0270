# Lets a login read the key of its own user and of no other: Vault itself puts the name of the
# login's alias into the path. MOUNT, PATH and ACCESSOR are replaced by `setup`.
path "MOUNT/data/PATH/users/{{identity.entity.aliases.ACCESSOR.name}}" {
  capabilities = ["read"]
}

path "MOUNT/metadata/PATH/users/{{identity.entity.aliases.ACCESSOR.name}}" {
  capabilities = ["read"]
}
