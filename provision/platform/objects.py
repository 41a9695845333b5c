"""Object store: SeaweedFS' S3 over TLS, everything behind it closed, an identity for each tenant."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import urllib3
from minio import Minio
from minio.commonconfig import ENABLED, GOVERNANCE
from minio.deleteobjects import DeleteObject
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.versioningconfig import VersioningConfig

from constat.errors import TargetError, UserError
from constat.stack import KeyPair, Objects
from provision.platform.component import File, Node, Plan, Process, Socket
from provision.platform.rendering import render

if TYPE_CHECKING:
    from constat.target import Buckets, Target
    from provision.platform.component import Site

NODE: Final = "objects"
REGION: Final = "us-east-1"
SECURITY: Final = "security.toml"
IDENTITIES: Final = "identities.json"
START: Final = "start.sh"
DATA: Final = ("master", "volume", "filer")
# What an identity may do with objects that are its own; removing a version is not among it.
ON_OBJECTS: Final = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
    "s3:DeleteObjectTagging",
)
OPERATORS: Final = ("admin", "service", "backup")
# A tenant's name stands in policies and in keys, where these characters mean only themselves.
TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
VOLUME_MEGABYTES: Final = 1024
VOLUMES: Final = 64
ANSWER_SECONDS: Final = 10.0
_SOCKETS: Final = (
    Socket(name="s3", tls=True, protocol="https"),
    Socket(name="s3-grpc", tls=True, protocol="grpc"),
    Socket(name="master", tls=True, protocol="https"),
    Socket(name="master-grpc", tls=True, protocol="grpc"),
    Socket(name="volume", tls=True, protocol="https"),
    Socket(name="volume-grpc", tls=True, protocol="grpc"),
    Socket(name="filer", tls=True, protocol="https"),
    Socket(name="filer-grpc", tls=True, protocol="grpc"),
)


class ObjectsComponent:
    """Four servers on one node; clients reach the S3 gateway, and nobody else's certificate opens the others."""

    name = "objects"
    requires = ()
    tools = ()

    def nodes(self, target: Target) -> tuple[Node, ...]:
        """One node with an account of its own."""
        del target  # the same for every target
        return (Node(name=NODE, sockets=_SOCKETS, durable=True),)

    def plan(self, site: Site) -> Plan:
        """The keys that close the servers, the fixed identities, and the servers."""
        security = render("objects/security.toml.j2", certificate=site.certificate(NODE), secret=site.secret)
        return Plan(
            files=(
                File(node=NODE, path=SECURITY, content=security),
                File(node=NODE, path=IDENTITIES, content=_identities(site)),
                File(node=NODE, path=START, content=render("objects/start.sh.j2", host=site.address(NODE, "master").host)),
            ),
            processes=(_master(site), _volume(site), _filer(site), _gateway(site)),
            directories=tuple((NODE, directory) for directory in DATA),
        )

    def ready(self, site: Site) -> None:
        """List the buckets as the administrator, which needs the identities and the filer."""
        administration(site).list_buckets()

    def configure(self, site: Site) -> None:
        """Make the buckets, all with versions; those of backups cannot be removed while they are promised.

        There is no lifecycle on any of them: SeaweedFS 4.48 refuses a transition
        (501 NotImplemented), and an expiration in its place would delete.
        """
        client, buckets = administration(site), site.target.buckets
        for bucket in _all(buckets):
            if not client.bucket_exists(bucket):
                client.make_bucket(bucket)
            client.set_bucket_versioning(bucket, VersioningConfig(ENABLED))
        if days := site.target.objectives.recovery.retention_days:
            # Whoever steals the backup identity hides backups, and destroys none.
            client.set_object_lock_config(buckets.backups, ObjectLockConfig(GOVERNANCE, days, DAYS))

    def onboard(self, site: Site, tenant: str) -> None:
        """Create the tenant's identity, confined to what lies below its name; it works at once."""
        _require_name(tenant)
        keys = tenant_keys(site, tenant)
        credentials = f"-access_key={keys.access_key} -secret_key={keys.secret_key}"
        _shell(site, f"s3.configure -user={tenant} {credentials} -policies=tenant -apply", silent=True)

    def offboard(self, site: Site, tenant: str) -> None:
        """Remove the identity, every version of the tenant's objects, and its unfinished uploads."""
        _require_name(tenant)
        if any(user["name"] == tenant for user in json.loads(_shell(site, "s3.user.list"))):
            _shell(site, f"s3.user.delete -name={tenant}")
        client = administration(site)
        for bucket in (site.target.buckets.images, site.target.buckets.documents):
            _abort_uploads(client, bucket, f"{tenant}/")
            _remove_versions(client, bucket, f"{tenant}/")

    def guarded(self, site: Site) -> tuple[tuple[str, str, int], ...]:
        """The objects themselves, and the keys that open the servers."""
        del site  # the same everywhere
        return (*((NODE, directory, 0o700) for directory in DATA), *((NODE, path, 0o600) for path in (SECURITY, IDENTITIES, "key.pem")))


def capability(site: Site) -> Objects:
    """The object store as suites see it."""
    return Objects(
        endpoint=f"https://{site.address(NODE, 's3')}",
        ca=site.ca_path,
        admin=operator_keys(site, "admin"),
        buckets=_all(site.target.buckets),
        service=operator_keys(site, "service"),
        region=REGION,
    )


def operator_keys(site: Site, identity: str) -> KeyPair:
    """The keys of one of the fixed identities."""
    return KeyPair(access_key=site.secret(f"objects/{identity}/access"), secret_key=site.secret(f"objects/{identity}/secret"))


def tenant_keys(site: Site, tenant: str) -> KeyPair:
    """The keys of a tenant's identity."""
    return KeyPair(access_key=site.secret(f"tenant/{tenant}/objects/access"), secret_key=site.secret(f"tenant/{tenant}/objects/secret"))


def administration(site: Site) -> Minio:
    """Speak to the store as its administrator; nothing is retried."""
    keys = operator_keys(site, "admin")
    pool = urllib3.PoolManager(cert_reqs="CERT_REQUIRED", ca_certs=site.ca_path, retries=False, timeout=ANSWER_SECONDS)
    return Minio(str(site.address(NODE, "s3")), access_key=keys.access_key, secret_key=keys.secret_key, region=REGION, http_client=pool)


def _all(buckets: Buckets) -> tuple[str, ...]:
    return (buckets.images, buckets.documents, buckets.backups)


def _identities(site: Site) -> str:
    """The fixed identities: with them in a file, the gateway has no moment in which it knows nobody and admits everybody."""
    policies = json.loads(render("objects/policies.json.j2", buckets=site.target.buckets, objects=ON_OBJECTS))
    document = {
        "identities": [_identity(site, name) for name in OPERATORS],
        "policies": [
            {"name": name, "content": json.dumps({"Version": "2012-10-17", "Statement": statements})}
            for name, statements in policies.items()
        ],
    }
    return json.dumps(document, indent=1)


def _identity(site: Site, name: str) -> dict[str, Any]:
    keys = operator_keys(site, name)
    allowed = {"actions": ["Admin"]} if name == "admin" else {"policyNames": [name]}
    return {"name": name, "credentials": [{"accessKey": keys.access_key, "secretKey": keys.secret_key}], **allowed}


def _master(site: Site) -> Process:
    return _server(
        site,
        "master",
        after=(),
        options={
            "mdir": site.path(NODE, "master"),
            "ip": _host(site),
            "peers": "none",
            "telemetry": "false",
            "disableHttp": "true",
            "volumeSizeLimitMB": VOLUME_MEGABYTES,
        },
    )


def _volume(site: Site) -> Process:
    return _server(
        site,
        "volume",
        after=("master-grpc",),
        options={
            "dir": site.path(NODE, "volume"),
            "ip": _host(site),
            "master": _both(site, "master"),
            "max": VOLUMES,
            "preStopSeconds": 0,
        },
    )


def _filer(site: Site) -> Process:
    return _server(
        site,
        "filer",
        after=("master-grpc",),
        options={
            "defaultStoreDir": site.path(NODE, "filer"),
            "ip": _host(site),
            "master": _both(site, "master"),
            "localSocket": site.path(NODE, "filer.sock"),
            "disableHttp": "true",
        },
    )


def _gateway(site: Site) -> Process:
    certificate = site.certificate(NODE)
    return _server(
        site,
        "s3",
        after=("filer-grpc", "volume"),
        options={
            "filer": _both(site, "filer"),
            "config": site.path(NODE, IDENTITIES),
            "cert.file": certificate.cert,
            "key.file": certificate.key,
            "localSocket": site.path(NODE, "s3.sock"),
            # Through the management API every identity could give itself more keys.
            "iam": "false",
            "port.iceberg": 0,
            "port.lance": 0,
            "allowDeleteBucketNotEmpty": "false",
            "autoCreateBucket": "false",
        },
    )


def _server(site: Site, name: str, *, after: tuple[str, ...], options: dict[str, object]) -> Process:
    """One of the servers, on ports that are declared, started after the sockets that it needs."""
    sockets = {"ip.bind": site.bind(NODE), "port": _port(site, name), "port.grpc": _port(site, f"{name}-grpc")}
    awaited = (str(_port(site, socket)) for socket in after)
    flags = (f"-{flag}={value}" for flag, value in {**sockets, **options}.items())
    command = ("/bin/bash", site.path(NODE, START), *awaited, "--", *_weed(site), name, *flags)
    # The filer would wait 10 s for the streams that the others keep open; what it has acknowledged is written.
    return Process(name=name, node=NODE, command=command, stop_seconds=2)


def _shell(site: Site, command: str, *, silent: bool = False) -> str:
    """Run a command of the store's shell; by its environment, because arguments are everybody's to read."""
    script = 'printf "%s\\n" "$COMMAND" | "$0" "$@"' + (" >/dev/null" if silent else "")
    inside = site.inside
    shell = (*_weed(inside), "shell", f"-master={_both(inside, 'master')}", f"-filer={_both(inside, 'filer')}")
    return site.run(NODE, ("/bin/sh", "-c", script, *shell), {"COMMAND": command})


def _weed(site: Site) -> tuple[str, ...]:
    return (site.program("weed"), "-logtostderr=true", f"-config_dir={site.path(NODE)}")


def _host(site: Site) -> str:
    return site.address(NODE, "master").host


def _port(site: Site, socket: str) -> int:
    return site.address(NODE, socket).port


def _both(site: Site, server: str) -> str:
    """Both sockets of a server, as the others want to be told: `host:port.grpc-port`."""
    return f"{site.address(NODE, server)}.{_port(site, f'{server}-grpc')}"


def _require_name(tenant: str) -> None:
    if tenant in OPERATORS or not TENANT.fullmatch(tenant):
        msg = (
            f"tenant {tenant!r} cannot have objects: expected {TENANT.pattern!r}, and none of {', '.join(OPERATORS)}; "
            "choose another name in [tenants]"
        )
        raise UserError(msg)


def _remove_versions(client: Minio, bucket: str, prefix: str) -> None:
    versions = client.list_objects(bucket, prefix=prefix, recursive=True, include_version=True)
    doomed = [DeleteObject(str(version.object_name), version.version_id) for version in versions]
    if refused := list(client.remove_objects(bucket, doomed)):
        msg = f"{len(refused)} versions below {prefix!r} in bucket {bucket!r} stay, the first for {refused[0].message!r}; offboard again"
        raise TargetError(msg)


def _abort_uploads(client: Minio, bucket: str, prefix: str) -> None:
    """Abort them page by page; the SDK lists and aborts uploads for itself only."""
    while uploads := client._list_multipart_uploads(bucket, prefix=prefix).uploads:  # noqa: SLF001
        for upload in uploads:
            client._abort_multipart_upload(bucket, upload.object_name, str(upload.upload_id))  # noqa: SLF001


COMPONENT: Final = ObjectsComponent()
