"""Support module: a realistic run over every family, mixed or all green, to look at and to test with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from constat.outcome import Outcome, Severity
from tests.reports.sample import E, F, I, N, P, Rule, Seen, W, write_run

if TYPE_CHECKING:
    from pathlib import Path

LOW, MEDIUM, HIGH, CRITICAL = Severity
RELATIONS = ("identity.users", "property.images", "property.listings", "property.prices", "search.documents", "audit.events")

PROMISES = {
    "isolation.database": "Multi-tenant isolation garantie au niveau infrastructure (database): RLS avec organization_id",
    "isolation.storage": "Buckets/prefixes par tenant",
    "isolation.gateway": "Tenant context propagation via headers (X-Tenant-ID), 100 req/min par tenant",
    "secrets.managed": "Secrets management sécurisé avec rotation automatique",
    "backup.pitr": "Point-in-Time Recovery: WAL archiving configuré, retention 30 jours",
    "dr.objectives": "DR Plan documenté: RTO < 4h, RPO < 1h",
    "latency.p95": "p95 < 200 ms, 100 concurrent users",
    "discovery": "Service discovery et load balancing fonctionnels entre microservices",
    "observability": "Prometheus: scrape toutes les 15s, retention 30 jours",
    "versions": "Technology stack, versions",
    "tracing": "Jaeger: 10 % en production, 100 % en staging",
}
WAIVERS = {
    "HOS-MOD-01": {
        "subject": "*",
        "owner": "Awa Diallo, platform",
        "reason": "group read is needed by the backup agent until it moves to its own account",
        "expires": "2027-01-31",
    }
}
RULES = [
    Rule(id="CON-VER-01", title="Every component is at least the promised version.", severity=MEDIUM, promises=("versions",), remediation="Upgrade the component, or correct the promise."),
    Rule(id="CON-API-01", title="Every service says that it is healthy and ready.", promises=("discovery",), remediation="Read the service's log; it names the dependency that is missing."),
    Rule(id="CON-API-02", title="Services find each other by name.", promises=("discovery",)),
    Rule(id="CON-MET-01", title="Metrics of every service are scraped.", severity=MEDIUM, promises=("observability",)),
    Rule(id="HOS-NET-01", title="Listening ports equal the declared table.", promises=()),
    Rule(id="HOS-MOD-01", title="Data and secrets are readable by their owner alone.", refs=("CIS 4.1.9", "ISO 27001 A.8.3")),
    Rule(id="HOS-SSH-01", title="The SSH server offers keys only.", refs=("CIS 5.2.11",)),
    Rule(id="SEC-ANON-01", title="No store admits an anonymous client.", severity=CRITICAL, promises=("isolation.storage",), refs=("OWASP API2:2023",)),
    Rule(id="SEC-CRED-01", title="No store admits a default credential.", severity=CRITICAL, refs=("OWASP API8:2023", "CWE-1392"), remediation="Delete the user guest, or give it a generated password."),
    Rule(id="SEC-TLS-01", title="A listener that promises TLS refuses plain text.", severity=HIGH, refs=("NIST SP 800-52r2",)),
    Rule(id="SEC-VLT-01", title="A revoked lease's credential is refused by the database.", promises=("secrets.managed",)),
    Rule(id="TEN-PG-01", title="Every tenant table has row level security, enabled and forced.", severity=CRITICAL, promises=("isolation.database",), refs=("OWASP API1:2023", "ISO 27001 A.8.3"), remediation="ALTER TABLE … ENABLE ROW LEVEL SECURITY, then ALTER TABLE … FORCE ROW LEVEL SECURITY."),
    Rule(id="TEN-PG-02", title="A tenant changes, moves or deletes no row of another.", severity=CRITICAL, promises=("isolation.database",), refs=("OWASP API1:2023",)),
    Rule(id="TEN-PG-03", title="A tenant's context reads none of another tenant's rows, whatever the relation.", severity=CRITICAL, promises=("isolation.database",), refs=("OWASP API1:2023", "ISO 27001 A.8.3"), remediation="Enable and FORCE row level security on the table, with a policy on organization_id."),
    Rule(id="TEN-OBJ-01", title="A tenant's key opens nothing of another tenant's prefix.", severity=CRITICAL, promises=("isolation.storage",)),
    Rule(id="TEN-CACHE-01", title="A tenant's cache user sees no key of another, by any command.", promises=("isolation.storage",), remediation="Take RANDOMKEY, SCAN and DBSIZE from the tenant's ACL, or give each tenant a database."),
    Rule(id="TEN-GW-01", title="The gateway sets X-Tenant-ID from the verified token and drops the client's own.", severity=CRITICAL, promises=("isolation.gateway",)),
    Rule(id="TEN-GW-02", title="The rate limit is the tenant's own.", severity=MEDIUM, promises=("isolation.gateway",)),
    Rule(id="OBS-MET-01", title="Prometheus scrapes every 15 seconds and keeps 30 days.", severity=MEDIUM, promises=("observability",)),
    Rule(id="OBS-ALR-01", title="An alert reaches its receiver within its deadline.", severity=MEDIUM, promises=("observability",)),
    Rule(id="BAK-PITR-01", title="A point-in-time restore is exact on both sides.", severity=CRITICAL, promises=("backup.pitr",)),
    Rule(id="BAK-RET-01", title="Backups are kept for the promised days.", severity=MEDIUM, promises=("backup.pitr",)),
    Rule(id="LOA-P95-01", title="p95 of the property API holds at the promised rate.", promises=("latency.p95",)),
    Rule(id="CHA-PG-01", title="The primary's node dies and no acknowledged write is lost.", severity=CRITICAL, promises=("dr.objectives",)),
    Rule(id="CHA-PG-02", title="The whole cluster is lost and restored within its objectives.", severity=CRITICAL, promises=("dr.objectives",)),
    Rule(id="CHA-VLT-01", title="Secrets stay readable while a node is frozen.", severity=MEDIUM, promises=("secrets.managed",)),
    Rule(id="KUB-NET-01", title="Network policies are enforced, not only present.", selected=False),
]  # fmt: skip
VERSIONS = {"postgres": "15.14", "pooler": "1.18.0", "coordinator": "3.4.23", "backups": "2.45", "cache": "7.0.15", "broker": "3.10.8", "vault": "2.7.2", "gateway": "3.7.15", "objects": "4.48", "prometheus": "2.42.0"}  # fmt: skip

LEAK = """-- t10 asks through the pooler, in its own context
SET LOCAL app.organization_id = '11111111-0000-4000-8000-000000000010';
SELECT organization_id, note FROM property.prices;
             organization_id              |        note
------------------------------------------+--------------------
 11111111-0000-4000-8000-000000000001     | canary-t1-9d1f0c
"""


def write_mixed(directory: Path) -> Path:
    """Write a run with every outcome; it ended before its last two controls."""
    return write_run(directory, RULES, _mixed(), promises=PROMISES, waivers=WAIVERS)


def write_green(directory: Path) -> Path:
    """Write the same run with nothing to complain of."""
    rules = [rule for rule in RULES if rule.selected]
    promises = {name: words for name, words in PROMISES.items() if name != "tracing"}
    return write_run(directory, rules, [*_versions(), *(row for rule in rules[1:] for row in _held(rule.id))], promises=promises)


def _versions() -> list[Seen]:
    return [Seen(control="CON-VER-01", subject=name, outcome=P, expected="at least the promised", observed=version, seconds=0.05) for name, version in VERSIONS.items()]  # fmt: skip


def _held(control: str) -> list[Seen]:
    if control.startswith("TEN-PG"):
        return [*_relations(control, {}), _reach(control, 6, 6)]
    return [Seen(control=control, subject="t1 → t10", outcome=P, seconds=3.2), Seen(control=control, subject="t10 → t1", outcome=P, seconds=2.9)]


def _relations(control: str, wrong: dict[str, Any]) -> list[Seen]:
    twin = "t10 reads its own canary by the same path"
    return [
        wrong.get(name) or Seen(control=control, subject=name, outcome=P, reason="refused: zero rows", expected=[], observed=[], positive_control=twin)
        for name in RELATIONS
    ]  # fmt: skip


def _reach(control: str, attacked: int, known: int, left_out: str = "") -> Seen:
    outcome = P if attacked == known else Outcome.NOT_REVIEWED
    reason = f"attacked {attacked} of {known} relations" + (f"; not: {left_out}" if left_out else "")
    return Seen(control=control, subject="coverage", outcome=outcome, reason=reason, expected=known, observed=attacked, seconds=0.0)


def _mixed() -> list[Seen]:
    canary = [{"organization_id": "11111111-0000-4000-8000-000000000001", "note": "canary-t1-9d1f0c"}]
    leaks = {
        "property.prices": Seen(control="TEN-PG-03", subject="property.prices", outcome=F, reason="t10 read the canary of t1 through the pooler", expected=[], observed=canary, positive_control="t10 reads its own canary by the same path", evidence={"query.sql": LEAK}),
        "audit.events": Seen(control="TEN-PG-03", subject="audit.events", outcome=F, reason="t10 read 3 rows of t1: the table has no policy", expected=[], observed=canary * 3, positive_control="t10 reads its own canary by the same path"),
    }  # fmt: skip
    return [
        *_versions(),
        *(row for control in ("CON-API-01", "CON-API-02", "CON-MET-01", "HOS-NET-01") for row in _held(control)),
        Seen(control="HOS-MOD-01", subject="scheduler/pgbackrest.conf", outcome=W, reason="mode 0640, expected 0600", expected="0600", observed="0640"),
        Seen(control="HOS-MOD-01", subject="postgres-1/data", outcome=P, expected="0700", observed="0700"),
        Seen(control="HOS-SSH-01", subject="hosts", outcome=N, reason="the embedded platform has no hosts of its own"),
        *_held("SEC-ANON-01"),
        Seen(control="SEC-CRED-01", subject="broker: guest/guest", outcome=F, reason="the management API answered 200 to guest/guest", expected=401, observed=200, positive_control="the declared administrator gets 200 by the same path", evidence={"exchange.txt": "GET /api/whoami\nAuthorization: Basic «redacted»\n\nHTTP/1.1 200 OK\n{\"name\":\"guest\",\"tags\":[\"administrator\"]}\n"}),
        Seen(control="SEC-CRED-01", subject="cache: default user", outcome=P),
        *_held("SEC-TLS-01"),
        Seen(control="SEC-VLT-01", subject="database/creds/service", outcome=E, reason="could not look: the lease was revoked, and the database proxy did not answer within 5 s"),
        *_relations("TEN-PG-01", {}),
        *_relations("TEN-PG-02", {}),
        *_relations("TEN-PG-03", leaks),
        _reach("TEN-PG-03", 6, 7, "search.stopwords (no tenant column, not declared as shared)"),
        *_held("TEN-OBJ-01"),
        Seen(control="TEN-CACHE-01", subject="RANDOMKEY", outcome=F, reason="t1 was given the name of a key of t10", expected=None, observed="t10:listing:42", positive_control="t1 reads its own key"),
        Seen(control="TEN-CACHE-01", subject="SCAN", outcome=P),
        *_held("TEN-GW-01"),
        Seen(control="TEN-GW-02", subject="t2", outcome=P, reason="429 after 100 requests, t1 unaffected", expected=429, observed=429, seconds=21),
        *_held("OBS-MET-01"),
        *_held("OBS-ALR-01"),
        Seen(control="BAK-PITR-01", subject="viridial", outcome=P, reason="2 411 rows, none missing, none extra", seconds=48, evidence={"rows.txt": "2411 rows before and after\n"}),
        *_held("BAK-RET-01"),
        Seen(control="LOA-P95-01", subject="GET /properties", outcome=I, reason="the generator was late for 7 % of requests (2 % allowed), so p95 = 143 ms carries no verdict", expected={"p95_ms": 200, "late_share": 0.02}, observed={"p95_ms": 143, "late_share": 0.07}, seconds=36),
        Seen(control="CHA-PG-01", subject="postgres-1", outcome=P, reason="RTO 19.8 s ± 0.1 s, RPO 0 of 1 904 acknowledged writes", seconds=41),
    ]  # fmt: skip
