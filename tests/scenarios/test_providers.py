"""Tokens as identity providers write them, with the settings of the table in `config/README.md`.

The shapes are those of the providers' own documentation and of tokens that people show. Headers are made by hand:
libraries write a `typ` that half of the providers do not.
"""

import re
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.bearer import ask, problem
from tests.support.gateway import PROJECT, GatewayUnderTest
from tests.support.identity_provider import RSA, Provider, jwk, jwks, provider, token

Make = Callable[..., GatewayUnderTest]
NOW = 1_800_000_000
TENANT = "0a1b2c3d-0000-4000-8000-000000000001"
API = "0a1b2c3d-0000-4000-8000-00000000000a"
KEYCLOAK = {
    "jti": "onrtro:1c9f",
    "iss": "https://id.example.com/realms/company",
    "aud": ["campaign-gateway", "account"],
    "sub": "f1c4f64e-2c0c-4cda-8c9f-9f3f8f3a2b0e",
    "typ": "Bearer",
    "azp": "dashboard",
    "sid": "9d04185c",
    "acr": "1",
    "allowed-origins": ["https://dashboard.example.com"],
    "realm_access": {"roles": ["offline_access", "campaigns:read"]},
    "resource_access": {"account": {"roles": ["view-profile"]}},
    "scope": "openid profile email",
    "email_verified": True,
    "preferred_username": "ada",
}
ENTRA = {
    "aud": API,
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "aio": "AXQAi/8IA",
    "azp": "0a1b2c3d-0000-4000-8000-0000000000aa",
    "azpacr": "0",
    "name": "Ada",
    "oid": "0a1b2c3d-0000-4000-8000-0000000000bb",
    "preferred_username": "ada@company.example",
    "rh": "0.AAAA",
    "sub": "kXo",
    "tid": TENANT,
    "uti": "u",
    "ver": "2.0",
}
OKTA = {
    "ver": 1,
    "jti": "AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE",
    "iss": "https://company.okta.com/oauth2/aus1a2b3c4d5e6f7g8",
    "aud": "api://campaign-gateway",
    "cid": "nmdP1fcyvdVO11AL7ECm",
    "uid": "00ujmkLgagxeRrAg20g3",
    "scp": ["openid", "campaigns:read"],
    "auth_time": NOW - 9,
    "sub": "ada@company.example",
}
AUTH0 = {
    "iss": "https://company.eu.auth0.com/",
    "sub": "auth0|123456",
    "aud": ["https://campaigns.example.com", "https://company.eu.auth0.com/userinfo"],
    "scope": "openid profile campaigns:read",
    "azp": "my_client_id",
}
COGNITO = {
    "sub": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    "cognito:groups": ["sales"],
    "iss": "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEf123",
    "version": 2,
    "client_id": "6k2pq8v1example",
    "origin_jti": "o",
    "event_id": "e",
    "token_use": "access",
    "scope": "openid isales/campaigns:read",
    "auth_time": NOW - 9,
    "jti": "j",
    "username": "ada",
}
MACHINE = {name: value for name, value in COGNITO.items() if name not in {"username", "cognito:groups", "origin_jti"}}
ADFS = {
    "aud": "microsoft:identityserver:campaign-gateway",
    "iss": "http://adfs.company.example/adfs/services/trust",
    "apptype": "Public",
    "appid": "5d1c9c0e-77d1-43f4-9e0c-2f8b5ba5c001",
    "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "auth_time": "2027-01-15T07:59:00.000Z",
    "ver": "1.0",
    "scp": "campaigns:read openid",
}
GOOGLE = {
    "iss": "https://accounts.google.com",
    "aud": "https://campaigns.example.com",
    "azp": "112233445566778899001",
    "email": "board@company.iam.gserviceaccount.com",
    "email_verified": True,
    "sub": "112233445566778899001",
}
KUBERNETES = {
    "aud": ["campaign-gateway"],
    "iss": "https://kubernetes.default.svc.cluster.local",
    "jti": "ea28ed49-2e11-4280-9ec5-bc3d1d84661a",
    "kubernetes.io": {
        "namespace": "sales",
        "node": {"name": "node-1", "uid": "58456cb0"},
        "pod": {"name": "board-69cbfb9798-jv9gn", "uid": "778a530c"},
        "serviceaccount": {"name": "board", "uid": "a087d5a0"},
    },
    "sub": "system:serviceaccount:sales:board",
}
GITHUB = {
    "jti": "example-id",
    "sub": "repo:company@123456/board@456789:ref:refs/heads/main",
    "aud": "campaign-gateway",
    "ref": "refs/heads/main",
    "repository": "company/board",
    "repository_owner": "company",
    "repository_id": "456789",
    "repository_owner_id": "123456",
    "run_id": "1",
    "actor": "ada",
    "event_name": "push",
    "ref_type": "branch",
    "job_workflow_ref": "company/board/.github/workflows/x.yml@refs/heads/main",
    "iss": "https://token.actions.githubusercontent.com",
}
GITLAB = {
    "namespace_id": "72",
    "namespace_path": "company",
    "project_id": "20",
    "project_path": "company/board",
    "user_login": "ada",
    "pipeline_source": "push",
    "job_id": "302",
    "ref": "main",
    "ref_type": "branch",
    "ref_protected": "true",
    "runner_id": 1,
    "iss": "https://gitlab.com",
    "sub": "project_path:company/board:ref_type:branch:ref:main",
    "aud": "campaign-gateway",
}

Header = dict[str, Any]
TYPED: Header = {"typ": "JWT"}
UNTYPED: Header = {"typ": None}
X5T: Header = {"typ": "JWT", "x5t": "aPctw_odvROoENg3VoOlIh2tiEs"}

GOOD: tuple[tuple[str, str, Header, dict[str, Any]], ...] = (
    ("Keycloak", "an attribute that is a number", TYPED, {**KEYCLOAK, "vdns": 1}),
    ("Keycloak", "an attribute that is a text", TYPED, {**KEYCLOAK, "vdns": "1"}),
    ("Keycloak", "an attribute of several values", TYPED, {**KEYCLOAK, "vdns": ["1", "2"]}),
    ("Keycloak", "its type for RFC 9068", {"typ": "at+jwt"}, {**KEYCLOAK, "vdns": [1], "scope": "campaigns:read"}),
    ("Microsoft Entra", "a user", X5T, {**ENTRA, "scp": "campaigns:read", "extn.vdns": ["1"]}),
    ("Microsoft Entra", "a user with a role", X5T, {**ENTRA, "roles": ["campaigns:read"], "extn.vdns": ["1"]}),
    (
        "Microsoft Entra",
        "an application",
        TYPED,
        {**ENTRA, "azp": "0a1b2c3d-0000-4000-8000-0000000000ff", "idtyp": "app"},
    ),
    ("Okta", "a list", UNTYPED, {**OKTA, "vdns": [1]}),
    ("Okta", "an attribute that is a number", UNTYPED, {**OKTA, "vdns": 1}),
    ("Auth0", "its own profile", TYPED, {**AUTH0, "https://campaigns.example.com/vdns": [1]}),
    (
        "Auth0",
        "the profile of RFC 9068, with RBAC",
        {"typ": "at+jwt"},
        {
            **AUTH0,
            "client_id": "my_client_id",
            "scope": "openid",
            "permissions": ["campaigns:read"],
            "https://campaigns.example.com/vdns": [1],
        },
    ),
    ("Amazon Cognito", "a user", UNTYPED, {**COGNITO, "vdns": ["1"]}),
    ("Amazon Cognito", "a machine", UNTYPED, {**MACHINE, "client_id": "7m3rt9w2example", "sub": "7m3rt9w2example"}),
    ("AD FS", "one value", X5T, {**ADFS, "vdns": "1"}),
    ("AD FS", "two values", X5T, {**ADFS, "vdns": ["1", "2"]}),
    ("Google Cloud", "a service account", TYPED, GOOGLE),
    ("Kubernetes", "a service account", UNTYPED, KUBERNETES),
    ("GitHub Actions", "a branch", X5T, GITHUB),
    ("GitLab", "a branch", TYPED, GITLAB),
)

ENTRA_ID = {name: value for name, value in ENTRA.items() if name not in {"azp", "azpacr"}}
BAD: tuple[tuple[str, str, Header, dict[str, Any], int], ...] = (
    ("Keycloak", "an ID token", TYPED, {**KEYCLOAK, "typ": "ID", "vdns": [1]}, 401),
    ("Keycloak", "a refresh token", TYPED, {**KEYCLOAK, "typ": "Refresh", "vdns": [1]}, 401),
    ("Keycloak", "no audience mapper", TYPED, {**KEYCLOAK, "aud": "account", "vdns": [1]}, 401),
    ("Keycloak", "Multivalued off", TYPED, {**KEYCLOAK, "vdns": "[1, 2]"}, 403),
    ("Microsoft Entra", "an ID token", TYPED, {**ENTRA_ID, "roles": ["campaigns:read"], "extn.vdns": ["1"]}, 401),
    ("Microsoft Entra", "version 1", X5T, {**ENTRA, "iss": f"https://sts.windows.net/{TENANT}/", "ver": "1.0"}, 401),
    ("Microsoft Entra", "another application", TYPED, {**ENTRA, "roles": ["campaigns:read"]}, 403),
    ("Okta", "without the scope", UNTYPED, {**OKTA, "scp": ["openid"], "vdns": [1]}, 403),
    ("Auth0", "the claim without its namespace", TYPED, {**AUTH0, "vdns": [1]}, 403),
    ("Auth0", "the issuer without its slash", TYPED, {**AUTH0, "iss": "https://company.eu.auth0.com"}, 401),
    ("Amazon Cognito", "an ID token", UNTYPED, {**COGNITO, "token_use": "id", "aud": "6k2pq8v1example"}, 401),
    ("Amazon Cognito", "another client", UNTYPED, {**COGNITO, "client_id": "other", "vdns": [1]}, 401),
    ("Amazon Cognito", "another server's scope", UNTYPED, {**COGNITO, "scope": "x/campaigns:read", "vdns": [1]}, 403),
    ("AD FS", "the ID token's issuer", X5T, {**ADFS, "iss": "https://adfs.company.example/adfs", "vdns": "1"}, 401),
    ("Google Cloud", "a person", TYPED, {**GOOGLE, "at_hash": "x", "hd": "company.example"}, 401),
    ("Google Cloud", "another account", TYPED, {**GOOGLE, "sub": "998877665544332211009"}, 403),
    ("Kubernetes", "a token for the API server", UNTYPED, {**KUBERNETES, "aud": [KUBERNETES["iss"]]}, 401),
    ("Kubernetes", "another account", UNTYPED, {**KUBERNETES, "sub": "system:serviceaccount:sales:default"}, 403),
    ("GitHub Actions", "a fork", X5T, {**GITHUB, "sub": "repo:other@9/board@8:ref:refs/heads/main"}, 403),
    ("GitHub Actions", "the name alone", X5T, {**GITHUB, "sub": "repo:company/board:ref:refs/heads/main"}, 403),
    ("GitHub Actions", "the default audience", X5T, {**GITHUB, "aud": "https://github.com/company"}, 401),
    ("GitLab", "another branch", TYPED, {**GITLAB, "sub": f"{GITLAB['sub']}2"}, 403),
)


def rows() -> dict[str, dict[str, Any]]:
    """Return the settings of each provider in the table of `config/README.md`."""
    found = {}
    for line in (PROJECT / "config/README.md").read_text().splitlines():
        if "`issuer = " in line:
            _, name, settings, _, _ = line.split("|")
            found[name.strip()] = tomllib.loads("\n".join(re.findall(r"`([^`]+)`", settings)))
    return found


ROWS = rows()


@pytest.fixture
def identity() -> Iterator[Provider]:
    """Return a provider with one key, as most have."""
    with provider() as served:
        served.body = jwks(jwk("rsa", RSA, use="sig", alg="RS256"))
        yield served


@pytest.fixture
def of_provider(make_gateway: Make, identity: Provider, tmp_path: Path) -> Callable[[str], GatewayUnderTest]:
    """Return a function that makes a gateway with the settings of a row, and keys that are within reach."""

    def make(name: str) -> GatewayUnderTest:
        keys = tmp_path / "jwks.json"
        keys.write_bytes(identity.body)
        within_reach = {"jwks_url": identity.url, "jwks_file": str(keys)}
        settings = {key: within_reach.get(key, value) for key, value in ROWS[name].items()}
        return make_gateway(jwt=inline(settings))

    return make


def inline(value: Any) -> str:
    """Return a value as TOML has it within one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {inline(below)}" for name, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def signed(header: Header, content: dict[str, Any]) -> str:
    """Return such a token, good for five minutes."""
    now = int(time.time())
    return token({**content, "iat": now, "nbf": now, "exp": now + 300}, **header)


def test_each_provider_is_tried() -> None:
    """No row of the table is without tokens that it takes, and such that it does not."""
    assert set(ROWS) == {name for name, *_ in GOOD} == {name for name, *_ in BAD}


@pytest.mark.parametrize(("name", "which", "header", "content"), GOOD, ids=[f"{one[0]}: {one[1]}" for one in GOOD])
def test_tokens_of_this_shape_are_good(
    of_provider: Callable[[str], GatewayUnderTest], name: str, which: str, header: Header, content: dict[str, Any]
) -> None:
    """With the settings of the row its holder reads the campaigns of VDN 1."""
    gateway = of_provider(name)
    answer = ask(gateway, signed(header, content), "/campaigns?vdn=1")
    assert answer.status_code == 200, (which, answer.get_data(as_text=True))


@pytest.mark.parametrize(("name", "which", "header", "content", "status"), BAD, ids=[f"{b[0]}: {b[1]}" for b in BAD])
def test_tokens_of_this_shape_are_refused(
    of_provider: Callable[[str], GatewayUnderTest],
    name: str,
    which: str,
    header: Header,
    content: dict[str, Any],
    status: int,
) -> None:
    """What the provider signs for others or for other uses, or without the rights, reads nothing."""
    gateway = of_provider(name)
    answer = ask(gateway, signed(header, content), "/campaigns?vdn=1")
    assert problem(answer)[0] == status, (which, answer.get_data(as_text=True))
