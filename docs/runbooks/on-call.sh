# shellcheck shell=bash
# The words that the runbooks are written in: `. docs/runbooks/on-call.sh`, as whoever ran `constat up`.
# For another stack than the usual one, `export CONSTAT_NAME=...` first.  Needs bash, curl and python3.
# No password appears among the arguments of a process.

case "$(id -u)" in
    0) _run=${CONSTAT_HOME:-/var/lib/constat} ;;
    *) _run=${CONSTAT_HOME:-${XDG_STATE_HOME:-$HOME/.local/state}/constat} ;;
esac
export RUN="$_run/${CONSTAT_NAME:-constat}"

# value postgres.ca: one value of the stack's description; fails when there is none.
value() {
    python3 -c '
import functools, json, sys
found = functools.reduce(lambda part, key: part[int(key) if key.isdigit() else key], sys.argv[2].split("."), json.load(open(sys.argv[1])))
print(found if isinstance(found, str) else json.dumps(found))' "$RUN/stack.json" "$1"
}

# port postgres-1 postgres: where a socket of a node listens.
port() {
    python3 -c '
import json, sys
(found,) = [s["port"] for s in json.load(open(sys.argv[1]))["listeners"] if (s["node"], s["name"]) == (sys.argv[2], sys.argv[3])]
print(found)' "$RUN/stack.json" "$1" "$2"
}

# ctl status, ctl restart cache.redis: the supervisor that starts every process.
ctl() { PYTHONWARNINGS=ignore "$(dirname "$(command -v constat)")/supervisorctl" -s "unix://$RUN/supervisor/supervisor.sock" "$@"; }

# logs postgres-1 [50]: the last lines of what a node's processes wrote.
logs() { tail -n "${2:-20}" "$RUN/$1"/*.log; }

# mend: start what is down, write again what was changed; what runs well stays.
mend() { constat up --target "$RUN/target.toml"; }

# as postgres-1 COMMAND: run a command under the account of a node, in its directory.
as() (
    cd "$RUN/$1" || exit
    read -r uid gid < <(stat -c '%u %g' .)
    shift
    [ "$(id -u)" != 0 ] || set -- setpriv --reuid="$uid" --regid="$gid" --clear-groups -- "$@"
    HOME=$PWD "$@"
)

# patroni list: patronictl, told where the cluster is.
patroni() {
    # python3-etcd prefers a TLS library that Debian brings only half of.
    /usr/bin/python3 -I -c '
import sys
sys.modules["urllib3.contrib.pyopenssl"] = None
from patroni.ctl import ctl
ctl()' -c "$RUN/postgres-1/patroni.yml" "$@"
}

# rest postgres-1 cluster: what one Patroni says of itself.
rest() { _ask "https://127.0.0.1:$(port "$1" patroni)/$2"; }

# sql postgres-1 'SELECT ...': on one server, past the proxy and the pooler, as the superuser.
sql() {
    PGPASSWORD=$(value postgres.admin_dsn | sed 's|^[^:]*://[^:]*:\([^@]*\)@.*|\1|') \
        psql -X "host=127.0.0.1 port=$(port "$1" postgres) user=postgres dbname=viridial sslmode=verify-full sslrootcert=$(value postgres.ca) connect_timeout=5" -c "$2"
}

# pool 'SHOW POOLS': the pooler's own console.
pool() {
    PGPASSWORD=$(value postgres.pooler_admin_dsn | sed 's|^[^:]*://[^:]*:\([^@]*\)@.*|\1|') \
        psql -X "host=127.0.0.1 port=$(port pooler pgbouncer) user=pooler-admin dbname=pgbouncer sslmode=verify-full sslrootcert=$(value postgres.ca) connect_timeout=5" -c "$1"
}

# backrest info: pgBackRest with the scheduler's configuration, under its account.
backrest() { as scheduler pgbackrest --config="$RUN/scheduler/pgbackrest.conf" --stanza="$(value backups.stanza)" "$@"; }

# etcd coordinator-1 health: one member of the coordinator.
etcd() { _ask "https://127.0.0.1:$(port "$1" client)/$2" --cert "$RUN/coordinator-1/client.pem"; }

# redis INFO memory: redis-cli as the administrator.
redis() {
    REDISCLI_AUTH=$(value cache.admin_password) redis-cli --tls --cacert "$(value cache.ca)" -h 127.0.0.1 -p "$(port cache redis)" --user admin --no-auth-warning "$@"
}

# rabbit queues: the broker's management API.
rabbit() { _ask "$(value broker.management_url)/api/$1" -K <(_login broker.admin); }

# secrets sys/health: the secret store's API.
secrets() { _ask "$(value vault.url)/v1/$1" -K <(printf 'header = "X-Vault-Token: %s"\n' "$(value vault.admin_token)"); }

# ready property: whether a service, and everything that it needs, answers.
ready() { _ask "$(value "services.$1")/ready"; }

# prom 'up == 0': what an expression is now, a line for each series; nothing where there is none.
prom() (
    set -o pipefail
    _ask "$(value metrics.prometheus)/api/v1/query" -K <(_login metrics.login) --get --data-urlencode "query=$1" | python3 -c '
import json, sys
for row in json.load(sys.stdin)["data"]["result"]:
    labels = row["metric"]
    name = labels.pop("__name__", "")
    print(row["value"][1], name, " ".join(f"{key}={value}" for key, value in sorted(labels.items()) if key != "instance"))'
)

# alerts: everything that fires or is about to.
alerts() { prom 'ALERTS{alertname!="Watchdog"}'; }

# over DatabaseDown: succeeds once the alert neither fires nor is about to.
over() {
    local left
    left=$(prom "ALERTS{alertname=\"$1\"}") || return 2
    [ -z "$left" ] || { printf '%s\n' "$left" && return 1; }
    printf '%s is over\n' "$1"
}

_ask() { curl --silent --show-error --fail-with-body --noproxy '*' --max-time 10 --cacert "$RUN/ca/ca.pem" "$@"; }

_login() { printf 'user = "%s:%s"\n' "$(value "$1.user")" "$(value "$1.password")"; }
