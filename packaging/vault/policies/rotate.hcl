# Lets a person or a pipeline write new versions and destroy old ones, without reading any key.
# MOUNT and PATH are replaced by `setup`.
path "MOUNT/data/PATH/*" {
  capabilities = ["create", "update"]
}

path "MOUNT/destroy/PATH/*" {
  capabilities = ["update"]
}

# The versions that exist, for `rotate`; `delete` is for `offboard`.
path "MOUNT/metadata/PATH/*" {
  capabilities = ["read", "list", "delete"]
}
