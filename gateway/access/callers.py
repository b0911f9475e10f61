"""From the credentials of a request, an API key or a bearer token, to what its caller may do."""

from gateway.access.bearer import BearerTokens, is_bearer
from gateway.access.clients import ClientDirectory, Grant
from gateway.access.keys import PREFIX, has_prefix, has_valid_checksum
from gateway.errors import BearerChallenge, Unauthenticated


class Callers:
    """All who may call: `clients` by their API keys and, unless `tokens` is `None`, holders of bearer tokens.

    Both methods take the values of the headers `X-API-Key` and `Authorization` as WSGI hands them over, bytes as
    Latin-1 characters; `None` for a header that was not sent.
    """

    def __init__(self, clients: ClientDirectory, tokens: BearerTokens | None = None) -> None:
        self._clients = clients
        self._remembered = clients.remembered
        self._tokens = tokens

    def find(self, api_key: str | None, authorization: str | None) -> Grant | None:
        """Return what the caller may do if that is known at once; `None` leaves the decision to `authenticate`."""
        if authorization is None or (api_key is not None and not self._looks_at(authorization)):
            return self._remembered.get(api_key)
        if api_key is not None or self._tokens is None:
            return None
        return self._tokens.find(authorization)

    def authenticate(self, api_key: str | None, authorization: str | None) -> Grant:
        """Return what the caller may do.

        Raises Unauthenticated for no credentials, bad ones or more than one kind of them, InternalError if a token
        cannot be checked for want of keys. Beside a key, `Authorization` of another scheme than ours is not looked at:
        it is for somebody in front of us.
        """
        if api_key is not None and authorization is not None and self._looks_at(authorization):
            # RFC 6750 (section 3.1) has 400 for two ways at once, but the problem of that status is about the query,
            # which may be perfect. It is the credentials that are wrong, and which of them count is not guessed.
            raise Unauthenticated(
                "The request carries both X-API-Key and a bearer token in Authorization; send one of the two.",
                bearer=self._challenge("invalid_request"),
            )
        if api_key is not None or authorization is None:
            return self._with_key(api_key)
        if self._tokens is None:
            raise Unauthenticated("Authorization is not looked at here; send an API key in the header X-API-Key.")
        if not is_bearer(authorization):
            raise Unauthenticated(
                "The scheme of Authorization is not Bearer, the only one that is taken.", bearer=self._challenge("")
            )
        return self._tokens.authenticate(authorization)

    def _looks_at(self, authorization: str) -> bool:
        return self._tokens is not None and is_bearer(authorization)

    def _with_key(self, api_key: str | None) -> Grant:
        if not api_key:
            ways = "it in the header X-API-Key" if self._tokens is None else "one in X-API-Key, or a bearer token"
            raise Unauthenticated(f"The request carries no API key; send {ways}.", bearer=self._challenge(""))
        grant = self._clients.find(api_key)
        if grant is None:
            raise Unauthenticated(_not_known(api_key), bearer=self._challenge(""))
        return grant

    def _challenge(self, code: str) -> BearerChallenge | None:
        return None if self._tokens is None else BearerChallenge(code)


def _not_known(api_key: str) -> str:
    """Return a sentence about a key that nobody has. It tells what everybody can compute of it, and repeats nothing."""
    if "," in api_key:
        # Servers join headers that come more than once so (RFC 9110, section 5.3).
        return "X-API-Key was sent more than once, or holds more than one key; send one key, once."
    if has_valid_checksum(api_key):
        return "The API key in X-API-Key is whole, but not known here: it was withdrawn, or is for another gateway."
    if has_prefix(api_key):
        return (
            f"The API key in X-API-Key begins like one of ours ({PREFIX}), but its checksum is wrong: a character "
            "is mistyped, missing or too many."
        )
    return "The API key in X-API-Key is not known here."
