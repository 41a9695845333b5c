"""Coordinator: etcd, three members; nobody speaks to it without a certificate and a login."""

from __future__ import annotations

import base64
import datetime
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from constat.errors import NotReady, TargetError
from constat.stack import Coordinator, Login
from provision.certificates import BACKDATED, LIFETIME
from provision.platform.component import File, Node, Plan, Process, Socket, Tool
from provision.platform.rendering import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from constat.target import Target
    from provision.platform.component import Site

PROGRAM: Final = "/usr/bin/etcd"
MEMBERS: Final = ("coordinator-1", "coordinator-2", "coordinator-3")
CONFIGURATION: Final = "etcd.yml"
TRUSTED: Final = "clients.pem"
CLIENT: Final = "client.pem"
# The database's cluster keeps everything below this, and its login reaches nothing else.
NAMESPACE: Final = "/constat"
SCOPE: Final = "viridial"
ROOT: Final = "root"
DATABASE: Final = "patroni"
ANSWER_SECONDS: Final = 3.0
# How etcd says that a step of an interrupted `configure` was done before.
_DONE_BEFORE: Final = frozenset({"etcdserver: user name already exists", "etcdserver: role name already exists"})
_OPEN: Final = "etcdserver: authentication is not enabled"
_SOCKETS: Final = (Socket(name="client", tls=True, protocol="etcd"), Socket(name="peer", tls=True, protocol="etcd-peer"))


class CoordinatorComponent:
    """Three members that start together and elect a leader."""

    name = "coordinator"
    requires = ()
    tools = (Tool(path=PROGRAM, package="etcd-server"),)

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """A node for each member."""
        del target  # the same for every target
        return tuple(Node(name=member, user="etcd", sockets=_SOCKETS, durable=True) for member in MEMBERS)

    def plan(self, site: Site) -> Plan:
        """Each member's configuration and process."""
        trusted = Path(site.ca_path).read_text("ascii") + _certificates(client_pem(site))
        return Plan(
            files=(
                *(File(node=member, path=CONFIGURATION, content=_configuration(site, member)) for member in MEMBERS),
                *(File(node=member, path=TRUSTED, content=trusted) for member in MEMBERS),
                File(node=MEMBERS[0], path=CLIENT, content=client_pem(site)),
            ),
            processes=tuple(
                Process(name="etcd", node=member, command=(PROGRAM, "--config-file", site.path(member, CONFIGURATION)))
                for member in MEMBERS
            ),
            directories=tuple((member, "data") for member in MEMBERS),
        )

    def ready(self, site: Site) -> None:
        """Ask every member whether it is healthy, which needs an elected leader."""
        with _client(site) as client:
            for endpoint in endpoints(site):
                answer = client.get(f"{endpoint}/health")
                if answer.text.strip() != '{"health":"true"}':
                    msg = f"member {endpoint!r} answers {answer.text.strip()!r}, expected to be healthy; its log says why"
                    raise NotReady(msg)

    def configure(self, site: Site) -> None:
        """Create the logins and close the door; finishes what an interrupted call began."""
        with _client(site) as client:
            if _is_open(client, site):
                _create_logins(client, site)
                _call(client, "auth/enable", {})

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """The members' data and keys, and the clients' key."""
        del site  # the same everywhere
        private = tuple((member, path, mode) for member in MEMBERS for path, mode in (("data", 0o700), ("key.pem", 0o600)))
        return (*private, (MEMBERS[0], CLIENT, 0o600))


def endpoints(site: Site) -> tuple[str, ...]:
    """Where clients reach the members."""
    return tuple(f"https://{site.address(member, 'client')}" for member in MEMBERS)


def client_pem(site: Site) -> str:
    """The key and the certificate that open a connection to the members; made once for a stack.

    etcd's JSON gateway refuses a certificate with a common name while logins are asked
    for, and the nodes' certificates have one: so the clients have one of their own.
    """
    if (kept := site.recall("coordinator/client")) is None:
        kept = _make_client_pem()
        site.keep("coordinator/client", kept)
    return kept


def capability(site: Site) -> Coordinator:
    """The consensus store as suites see it, with the login that may do everything."""
    return Coordinator(
        endpoints=endpoints(site),
        ca=site.ca_path,
        scope=SCOPE,
        login=Login(user=ROOT, password=site.secret("coordinator/root")),
        client=site.path(MEMBERS[0], CLIENT),
    )


def _configuration(site: Site, member: str) -> str:
    return render(
        "coordinator/etcd.yml.j2",
        name=member,
        token=f"constat-{site.name}",
        data=site.path(member, "data"),
        bind=site.bind(member),
        client=site.address(member, "client"),
        peer=site.address(member, "peer"),
        cluster=",".join(f"{other}=https://{site.address(other, 'peer')}" for other in MEMBERS),
        certificate=site.certificate(member),
        trusted=site.path(member, TRUSTED),
    )


def _client(site: Site) -> httpx.Client:
    """Speak to the members with the clients' certificate; without one the handshake fails."""
    context = ssl.create_default_context(cafile=site.ca_path)
    context.load_cert_chain(site.path(MEMBERS[0], CLIENT))
    return httpx.Client(verify=context, timeout=ANSWER_SECONDS, trust_env=False, base_url=endpoints(site)[0])


def _is_open(client: httpx.Client, site: Site) -> bool:
    """Whether logins are not asked for yet; TargetError when they are and ours is refused."""
    problem = _ask(client, "auth/authenticate", {"name": ROOT, "password": site.secret("coordinator/root")})
    if problem and problem != _OPEN:
        msg = f"coordinator refuses login {ROOT!r}: {problem!r}; run `constat down`, then `constat up`"
        raise TargetError(msg)
    return problem == _OPEN


def _create_logins(client: httpx.Client, site: Site) -> None:
    everything_of_the_cluster = {
        "permType": "READWRITE",
        "key": _encoded(f"{NAMESPACE}/{SCOPE}/"),
        "range_end": _encoded(f"{NAMESPACE}/{SCOPE}0"),  # "0" follows "/"
    }
    for user in (ROOT, DATABASE):
        secret = site.secret(f"coordinator/{user}")
        _call(client, "auth/user/add", {"name": user, "password": secret})
        _call(client, "auth/user/changepw", {"name": user, "password": secret})
        _call(client, "auth/role/add", {"name": user})
        _call(client, "auth/user/grant", {"user": user, "role": user})
    _call(client, "auth/role/grant", {"name": DATABASE, "perm": everything_of_the_cluster})


def _call(client: httpx.Client, method: str, fields: Mapping[str, object]) -> None:
    if (problem := _ask(client, method, fields)) and problem not in _DONE_BEFORE:
        msg = f"coordinator refuses {method!r}: {problem}; its log says why"
        raise TargetError(msg)


def _ask(client: httpx.Client, method: str, fields: Mapping[str, object]) -> str:
    """Call a method of etcd's JSON gateway; the server's complaint, or nothing."""
    answer = client.post(f"/v3/{method}", json=fields)
    return "" if answer.is_success else str(answer.json()["error"])


def _encoded(key: str) -> str:
    return base64.b64encode(key.encode()).decode()


def _make_client_pem() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "coordinator clients")])
    now = datetime.datetime.now(datetime.UTC)
    cert = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return (private + cert.public_bytes(serialization.Encoding.PEM)).decode("ascii")


def _certificates(pem: str) -> str:
    return pem[pem.index("-----BEGIN CERTIFICATE-----") :]


COMPONENT: Final = CoordinatorComponent()
