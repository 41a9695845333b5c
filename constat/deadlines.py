"""How long each named event may take, in seconds; the only numbers of this kind in the project."""

from __future__ import annotations

from typing import Final

COMPONENT_READY: Final = 120.0
COMPONENT_STOPPED: Final = 15.0
SUPERVISOR_ANSWERS: Final = 10.0
STACK_LOCK: Final = 2.0
STACK_HEALED: Final = 90.0
METRICS_SCRAPED: Final = 40.0
NEW_PRIMARY: Final = 60.0
FUNCTION_CALLED: Final = 2.0  # with everything that there is to call it with
REPLICA_CAUGHT_UP: Final = 15.0
REDUNDANCY_BACK: Final = 60.0
WAL_ARCHIVED: Final = 30.0
ARCHIVE_CAUGHT_UP: Final = 150.0  # a server that has failed three times waits a minute before it tries again
ARCHIVE_READ: Final = 60.0
STATEMENT_DONE: Final = 20.0
HEARTBEAT_SEEN: Final = 12.0
REPLICA_CURRENT: Final = 5.0
ALERT_DELIVERED: Final = 20.0
RESTORE_DONE: Final = 180.0
SERVICE_ANSWERS: Final = 10.0
PROBE_CONNECT: Final = 3.0
MUTANT_PLANTED: Final = 30.0
FAULT_CONFIRMED: Final = 5.0
LEDGER_WARM: Final = 30.0
LEDGER_READ: Final = 30.0
GENERATOR_READY: Final = 20.0
GENERATOR_DONE: Final = 20.0
LOAD_PLANTED: Final = 30.0
LOAD_REMOVED: Final = 60.0
CHANNEL_QUIET: Final = 0.1
ENGINE_ANSWERS: Final = 20.0
IMAGE_BUILT: Final = 900.0
IMAGES_LOADED: Final = 600.0
CLUSTER_CREATED: Final = 420.0
CLUSTER_DELETED: Final = 120.0
CLUSTER_ANSWERS: Final = 20.0
CLUSTER_COMPONENT_READY: Final = 300.0
NODE_COMMAND: Final = 300.0
CLUSTER_NODE_ENDED: Final = 30.0
MACHINE_LOOKED_AT: Final = 60.0
POLICY_IN_FORCE: Final = 15.0
CONTROL_PLANE_BACK: Final = 150.0
AUDITED: Final = 10.0
POD_RUNS: Final = 90.0
QUOTA_FREED: Final = 30.0
ACCOUNT_GONE: Final = 3.0
QUOTA_COUNTED: Final = 10.0
