"""The live handle: endpoints and identities, one dataclass per capability.

A capability that the platform does not have is None; what needs it ends in
NOT_REVIEWED.  `Stack.load` reads it back from a run directory, so that a child
process gets the same handle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, SkipValidation, TypeAdapter, ValidationError, WithJsonSchema

from constat.errors import UserError
from constat.machines import Machines

STACK_FILE = "stack.json"


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """An S3 identity."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Login:
    """A user name and its password."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class AppRole:
    """A machine's identity at the secret store."""

    role_id: str
    secret_id: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class PostgresNode:
    """One database server: where it listens and where its files are."""

    name: str
    port: int
    data_directory: str
    host: str = "127.0.0.1"
    socket_directory: str = ""


@dataclass(frozen=True, kw_only=True)
class Postgres:
    """The database cluster, by each of its logins and paths.

    `admin_dsn`, `app_dsn`, `migrator_dsn` and `backup_dsn` lead through the
    read-write proxy; `replica_dsn` is the application login on the read-only proxy;
    `pooler_dsn` is the application's own path.
    """

    admin_dsn: str = field(repr=False)
    app_dsn: str = field(repr=False)
    migrator_dsn: str = field(repr=False)
    backup_dsn: str = field(repr=False)
    replica_dsn: str = field(repr=False)
    replication_dsn: str = field(repr=False)
    pooler_dsn: str = field(repr=False)
    pooler_admin_dsn: str = field(repr=False)
    database: str
    context_setting: str
    tenant_column: str
    nodes: tuple[PostgresNode, ...]
    ca: str


@dataclass(frozen=True, kw_only=True)
class Coordinator:
    """The consensus store behind the database's high availability.

    `client` is the path of the certificate and key (one PEM) that open a connection;
    empty where the store asks for none.
    """

    endpoints: tuple[str, ...]
    ca: str
    scope: str
    login: Login
    client: str = ""


@dataclass(frozen=True, kw_only=True)
class Objects:
    """The object store (S3)."""

    endpoint: str
    ca: str
    admin: KeyPair
    buckets: tuple[str, ...]
    service: KeyPair
    region: str = "us-east-1"


@dataclass(frozen=True, kw_only=True)
class Cache:
    """The cache (Redis protocol); `url` carries no credentials."""

    url: str
    admin_password: str = field(repr=False)
    ca: str
    # Users of the platform itself, who may reach every tenant's keys.
    operators: tuple[str, ...] = ("admin", "service")


@dataclass(frozen=True, kw_only=True)
class Broker:
    """The message broker; both URLs are without credentials."""

    amqp_url: str
    management_url: str
    admin: Login
    vhost: str
    exchanges: tuple[str, ...]
    ca: str
    # Tenant → its own virtual host, where it has one; else it shares `vhost`.
    vhosts: dict[str, str] = field(default_factory=dict)
    # Users of the platform itself; whoever else is found must be a tenant.
    operators: tuple[str, ...] = ("admin", "service", "monitor")

    def vhost_of(self, tenant: str) -> str:
        """The virtual host that a tenant works in."""
        return self.vhosts.get(tenant, self.vhost)


@dataclass(frozen=True, kw_only=True)
class Vault:
    """The secret store (Vault API); the root token is revoked."""

    url: str
    admin_token: str = field(repr=False)
    ca: str
    mount: str = "secret"


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The one door for clients: `url` is HTTPS, `plain_url` only redirects."""

    url: str
    plain_url: str
    ca: str


@dataclass(frozen=True, kw_only=True)
class Issuer:
    """Who signs the platform's tokens; the harness signs with the key what the issuer never would, to see it refused."""

    signing_key: str = field(repr=False)  # PEM
    issuer: str
    audience: str


@dataclass(frozen=True, kw_only=True)
class Search:
    """Where searches are answered, and by what kind of engine; `key` is an engine's administrator's, where it has one."""

    kind: str
    url: str
    key: str = field(default="", repr=False)
    tenant_field: str = "organization_id"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """Monitoring and alerting."""

    prometheus: str
    alertmanager: str
    login: Login
    ca: str


@dataclass(frozen=True, kw_only=True)
class Backups:
    """The backup tool's configuration and the escrow key of its repository."""

    stanza: str
    config: str
    repository: str
    cipher_pass: str = field(repr=False)
    bucket: str
    identity: KeyPair
    user: str


@dataclass(frozen=True, kw_only=True)
class ClusterMachine:
    """A machine of a cluster; `console` is the command by whose input its root is told what to do."""

    name: str
    address: str
    console: tuple[str, ...]
    is_control_plane: bool = False


@dataclass(frozen=True, kw_only=True)
class ClusterFlow:
    """A connection that the architecture declares: from a node of the platform to a port of another."""

    source: str
    node: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Kubernetes:
    """The cluster that the platform runs in; `administrator` is the path of a certificate and its key (one PEM)."""

    url: str
    ca: str
    administrator: str
    machines: tuple[ClusterMachine, ...]
    # Namespaces of the cluster itself, which are not held to what holds for the platform = why.
    system: dict[str, str]
    # The label by which a pod is known as a node of the platform, and who of these may connect to whom.
    node_label: str
    flows: tuple[ClusterFlow, ...]
    # Namespace → resource → how much of it may be asked for.
    bounds: dict[str, dict[str, str]]
    # An image with a shell that every machine has: for pods that only look.
    image: str
    # On the control plane; empty where none is kept.
    audit_log: str = ""
    # The directory on this machine from which the control plane is configured; empty where there is none.
    configuration: str = ""


@dataclass(frozen=True, kw_only=True)
class Tenant:
    """One test tenant: its identity in every store."""

    organization_id: str
    plan: str
    api: Login
    objects: KeyPair
    cache: Login
    broker: Login
    vault: AppRole


@dataclass(frozen=True, kw_only=True)
class Listener:
    """A declared listening socket: what the table of ports promises."""

    node: str
    name: str
    port: int
    tls: bool
    protocol: str
    host: str = "127.0.0.1"
    # `host:port` by which the platform's own nodes reach it, where that is not this one.
    inside: str = ""


@dataclass(frozen=True, kw_only=True)
class GuardedPath:
    """A file or directory that keeps a secret or data: who may own it, and its mode."""

    path: str
    owner: str
    mode: int


@dataclass(frozen=True, kw_only=True)
class Stack:
    """Everything that suites, chaos and load are told about a platform that is up."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)

    name: str
    target: str
    provider: str
    disposable: bool
    run_dir: str
    postgres: Postgres | None = None
    coordinator: Coordinator | None = None
    objects: Objects | None = None
    cache: Cache | None = None
    broker: Broker | None = None
    vault: Vault | None = None
    gateway: Gateway | None = None
    issuer: Issuer | None = None
    services: dict[str, str] = field(default_factory=dict)
    search: Search | None = None
    metrics: Metrics | None = None
    backups: Backups | None = None
    kubernetes: Kubernetes | None = None
    tenants: dict[str, Tenant] = field(default_factory=dict)
    listeners: tuple[Listener, ...] = ()
    guarded: tuple[GuardedPath, ...] = ()
    # Where the declared tables are: what its servers, files and processes are to be like (`constat.settings`).
    declared: str = ""
    # Whether its processes are this machine's, so that its sockets can be looked at here.
    local_processes: bool = False
    # Set by the provider for a live stack; never written to the file.
    machines: Annotated[SkipValidation[Machines | None], WithJsonSchema({"type": "null"})] = field(default=None, compare=False, repr=False)

    @staticmethod
    def load(run_dir: str | Path) -> Stack:
        """Read the handle back; raises UserError when the directory holds none."""
        path = Path(run_dir) / STACK_FILE
        try:
            return stack_adapter().validate_json(path.read_bytes())
        except FileNotFoundError:
            msg = f"no stack in {str(run_dir)!r}: {STACK_FILE} is missing; run `constat up` first"
            raise UserError(msg) from None
        except ValidationError as problem:
            msg = f"{str(path)!r} is not a stack of this version: {problem.error_count()} problems; run `constat down`, then `constat up`"
            raise UserError(msg) from None

    def to_document(self) -> dict[str, Any]:
        """As JSON values, without what lives only in this process."""
        document: dict[str, Any] = stack_adapter().dump_python(self, mode="json", exclude={"machines"})
        return document


def stack_adapter() -> TypeAdapter[Stack]:
    """Validate and describe a stack's file; its JSON Schema is in docs/schema/."""
    return TypeAdapter(Stack)
