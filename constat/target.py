"""The target file: which platform, where it runs, what it promises, what may be done to it.

Every field is commented where it is declared; `constat target --schema` prints the
JSON Schema for editors.  `load_target` reports every problem of a file in one message.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from constat.errors import UserError
from constat.outcome import Impact

# Tenants' names become access rules in every store, where other characters would be patterns.
_TENANT = re.compile(r"[a-z][a-z0-9]{0,30}")
# The image that kind 0.30 itself would take, pinned.
NODE_IMAGE = "kindest/node:v1.34.0@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a"
# Who accepts a risk for ever has stopped looking at it.
LONGEST_WAIVER = datetime.timedelta(days=366)
_RESERVED = frozenset({"admin", "service", "monitor", "default", "guest", "root", "backup"})


Store = Literal["accounts", "broker", "cache", "objects", "pooler", "vault", "web"]


class _Section(BaseModel):
    """A table of the file: unknown keys are refused, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LoginKind(StrEnum):
    """What a deployed database login may be."""

    TENANT_BOUND = "tenant-bound"
    OPERATOR = "operator"


class DeclaredLogin(_Section):
    """A login that the platform deploys, and what it is for."""

    kind: LoginKind
    reason: str = Field(min_length=1, description="what the login is for")
    may: frozenset[str] = Field(
        default=frozenset(), description="powers that an operator needs: an attribute, a group, 'owner of objects', a function"
    )


class TenantPlan(_Section):
    """What a tenant may do per minute."""

    requests_per_minute: int = Field(gt=0)


class DeclaredTenant(_Section):
    """A test tenant; names are chosen to hurt."""

    organization_id: str
    plan: str

    @field_validator("organization_id")
    @classmethod
    def _is_uuid(cls, value: str) -> str:
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value):
            msg = "expected a uuid in lower case"
            raise ValueError(msg)
        return value


class Isolation(_Section):
    """How tenants are kept apart, and what arbitrary SQL is accepted to reach."""

    tenant_column: str = "organization_id"
    context_setting: str = "app.organization_id"
    accepts: dict[str, str] = Field(default_factory=dict, description="what injected SQL is accepted to reach = why")
    shared: dict[str, str] = Field(default_factory=dict, description="relation that all tenants share = why")
    logins: dict[str, DeclaredLogin] = Field(default_factory=dict)


class Versions(_Section):
    """The lowest version promised for each component, as a dotted number."""

    postgres: str | None = None
    pooler: str | None = None
    coordinator: str | None = None
    backups: str | None = None
    objects: str | None = None
    cache: str | None = None
    broker: str | None = None
    vault: str | None = None
    gateway: str | None = None
    prometheus: str | None = None
    alertmanager: str | None = None
    kubernetes: str | None = None


class Recovery(_Section):
    """Recovery objectives in seconds, and the retention in days."""

    rto_seconds: float | None = Field(default=None, gt=0, description="service back after a disaster")
    rpo_seconds: float | None = Field(default=None, ge=0, description="acknowledged writes a disaster may cost")
    node_rto_seconds: float | None = Field(default=None, gt=0)
    node_rpo_seconds: float | None = Field(default=None, ge=0)
    retention_days: int | None = Field(default=None, gt=0)
    stable_seconds: float = Field(default=10, gt=0, description="service must hold this long to count as recovered")


class Latency(_Section):
    """Latency objective of the property API, and the load at which it is judged."""

    p90_ms: float | None = Field(default=None, gt=0)
    p95_ms: float | None = Field(default=None, gt=0)
    p99_ms: float | None = Field(default=None, gt=0)
    mean_ms: float | None = Field(default=None, gt=0)
    # Of all requests, wrong answers and time-outs included.
    error_share: float | None = Field(default=None, gt=0, lt=1)
    concurrent_users: int = Field(gt=0)
    think_seconds: float = Field(default=1.0, gt=0)
    duration_seconds: float = Field(default=30, gt=0)
    warmup_seconds: float = Field(default=5, ge=0)

    @model_validator(mode="after")
    def _promises_something(self) -> Self:
        if all(value is None for value in (self.p90_ms, self.p95_ms, self.p99_ms, self.mean_ms, self.error_share)):
            msg = "expected at least one of p90_ms, p95_ms, p99_ms, mean_ms, error_share; or leave [objectives.latency] out"
            raise ValueError(msg)
        return self


class Objectives(_Section):
    """The numbers that controls judge by; what nobody promised is left out."""

    versions: Versions = Versions()
    recovery: Recovery = Recovery()
    latency: Latency | None = None


class Buckets(_Section):
    """The buckets of the object store, by purpose."""

    images: str = "property-images"
    documents: str = "documents"
    backups: str = "backups"


class Waiver(_Section):
    """A finding that somebody has accepted until a day, at most a year ahead."""

    subject: str = Field(
        min_length=1, description="the subject as the finding names it, or a pattern; '*', all of the control's, has to be said"
    )
    owner: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    expires: datetime.date


class NotApplicable(_Section):
    """A control that this platform has no use for, and why."""

    reason: str = Field(min_length=1)


class Endpoints(_Section):
    """Provider `existing`: the file that describes a platform which is already there."""

    stack: str = Field(description="path of a JSON file as in docs/schema/stack.json; values may be `env:NAME` or `file:PATH`")


class Cluster(_Section):
    """Provider `kind`: the cluster that the platform is put into."""

    node_image: str = Field(default=NODE_IMAGE, min_length=1, description="CONSTAT_NODE_IMAGE overrides it")
    base_image: str = Field(default="debian:bookworm-slim", min_length=1, description="what the platform's own images are built on")
    workers: int = Field(default=2, ge=1, le=8)
    mounts: dict[str, str] = Field(default_factory=dict, description="absolute path on this machine = path in every node, read only")
    kubeadm_patches: tuple[str, ...] = Field(default=(), description="YAML documents that are merged into kubeadm's configuration")


class Target(_Section):
    """A target file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="shown in every report")
    provider: Literal["embedded", "kind", "vps", "existing"]
    environment: Literal["development", "staging", "production"]
    impact: Impact = Field(description="the most that may be done to it: observe, probe or disrupt")
    disposable: bool = Field(default=False, description="faults and mutants are planted only where this is true")
    components: tuple[str, ...] = Field(default=(), description="leave out for all")
    plans: dict[str, TenantPlan] = Field(default_factory=dict)
    tenants: dict[str, DeclaredTenant] = Field(default_factory=dict)
    attack_pair: Annotated[tuple[str, ...], Field(max_length=2)] = ()
    isolation: Isolation = Isolation()
    identities: dict[Store, dict[str, str]] = Field(
        default_factory=dict,
        description="store = identities that it may know beside the tenants' = why; one that is found and not listed is a finding",
    )
    buckets: Buckets = Buckets()
    objectives: Objectives = Objectives()
    promises: dict[str, str] = Field(default_factory=dict, description="promise id = the specification's own words")
    waivers: dict[str, Waiver] = Field(default_factory=dict, description="control id = waiver")
    not_applicable: dict[str, NotApplicable] = Field(default_factory=dict, description="control id = reason")
    existing: Endpoints | None = None
    cluster: Cluster = Cluster()

    @property
    def lacks(self) -> dict[str, str]:
        """Capabilities that it has no use for by its own word = which word that is."""
        if self.provider in {"embedded", "vps"}:
            return {"kubernetes": f"provider {self.provider!r}: the platform runs in no cluster"}
        return {}

    def problems(self) -> list[str]:
        """Contradictions between fields, each with its remedy."""
        found = []
        if self.environment == "production" and self.impact is Impact.DISRUPT:
            found.append("impact: 'disrupt' is refused for environment 'production'; use 'probe' or 'observe'")
        if self.environment == "production" and self.disposable:
            found.append("disposable: a production target cannot be disposable; remove it")
        if self.provider == "existing" and self.existing is None:
            found.append("existing: provider 'existing' needs a table [existing] with `stack`")
        if self.provider == "existing" and self.disposable:
            found.append("disposable: a platform that the harness did not create cannot be disposable; remove it")
        found += [
            f"cluster.mounts: {path!r} is not an absolute path; write it from the root" for path in self.cluster.mounts if path[:1] != "/"
        ]
        found += [
            f"attack_pair: {name!r} is not in [tenants] (known: {', '.join(sorted(self.tenants)) or 'none'})"
            for name in self.attack_pair
            if name not in self.tenants
        ]
        found += [
            f"tenants.{name}: not usable as a name in every store; "
            "expected lower-case letters and digits, at most 31, and none of the platform's own"
            for name in self.tenants
            if not _TENANT.fullmatch(name) or name in _RESERVED
        ]
        found += [
            f"tenants.{name}.plan: {tenant.plan!r} is not in [plans] (known: {', '.join(sorted(self.plans)) or 'none'})"
            for name, tenant in self.tenants.items()
            if tenant.plan not in self.plans
        ]
        latest = _today() + LONGEST_WAIVER
        found += [
            f"waivers.{control}.expires: {waiver.expires} is more than a year ahead; a waiver is looked at again by {latest}"
            for control, waiver in self.waivers.items()
            if waiver.expires > latest
        ]
        return found


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def load_target(path: str | Path) -> Target:
    """Read and validate a target file; raises UserError that lists every problem of it."""
    document = _read(Path(path))
    try:
        target = Target.model_validate(document)
    except ValidationError as problem:
        raise UserError(_listing(path, [_worded(error) for error in problem.errors()])) from None
    if problems := target.problems():
        raise UserError(_listing(path, problems))
    return target


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        msg = f"target file {str(path)!r} does not exist; the ones that come with the project are in targets/"
        raise UserError(msg) from None
    except (OSError, UnicodeDecodeError) as problem:
        msg = f"target file {str(path)!r} cannot be read: {problem}; expected a TOML file in UTF-8"
        raise UserError(msg) from None
    except tomllib.TOMLDecodeError as problem:
        msg = f"target file {str(path)!r} is not TOML: {problem}; correct that line"
        raise UserError(msg) from None


def _worded(error: object) -> str:
    assert isinstance(error, dict)
    where = ".".join(str(part) for part in error["loc"]) or "file"
    got = f" (got {error['input']!r})" if error["type"] not in {"missing", "extra_forbidden"} else ""
    message = "unknown key; remove it or correct its spelling" if error["type"] == "extra_forbidden" else error["msg"]
    return f"{where}: {message}{got}"


def _listing(path: str | Path, problems: list[str]) -> str:
    count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
    return f"target file {str(path)!r} has {count}:\n" + "\n".join(f"  - {line}" for line in problems)
