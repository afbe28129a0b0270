"""LiteLLM's check of a key, for several gateways at once.

A header names the directory of the request's gateway. Its files are read at every request: `check`,
and `keys`, with one key a line; if they are JWTs, `keys` is the public key in PEM or the issuer's key
set instead.
"""

import pathlib

import jwt
from litellm.proxy._types import ProxyException, UserAPIKeyAuth


async def user_api_key_auth(request, api_key):
    gateway = pathlib.Path(request.headers["x-test-gateway"])
    check = (gateway / "check").read_text()
    if not accepts(gateway, check, api_key):
        if check == "exception":
            raise ValueError("invalid key")
        raise refused(403 if check == "forbidden" else 401, "Invalid proxy server token passed")
    if check == "messages-only":
        return UserAPIKeyAuth(api_key=api_key, allowed_routes=["anthropic_routes"])
    return UserAPIKeyAuth(api_key=api_key)


def accepts(gateway, check, api_key):
    keys = (gateway / "keys").read_text()
    if check not in ("jwt", "jwks"):
        return api_key in keys.splitlines()
    try:
        if check == "jwks":
            keys = jwt.PyJWKSet.from_json(keys)[jwt.get_unverified_header(api_key)["kid"]].key
        options = {"require": ["exp"], "verify_aud": False}
        jwt.decode(api_key, keys, algorithms=["EdDSA", "RS256"], options=options)
    except (jwt.PyJWTError, KeyError) as error:
        raise refused(401, str(error)) from error
    return True


def refused(code, message):
    message = f"Authentication Error, {message}"
    return ProxyException(message=message, type="auth_error", param="key", code=code)
