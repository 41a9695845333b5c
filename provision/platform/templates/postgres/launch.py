"""Run Patroni with Python's own TLS, and with a lock that nobody takes back who has lost it.

python3-etcd prefers pyOpenSSL where that is installed, which then needs python3-idna:
Debian brings the one without the other, and Patroni would never reach its coordinator.

Patroni 3.0 writes the leader's key whatever is in it when its own lease has expired meanwhile: a
primary that was frozen in that moment takes the lock from the one that has replaced it, and what
that one acknowledged is lost.  docs/decisions/0008-a-lock-that-is-not-taken-back.md
"""

import inspect
import sys
import time


def update_leader(self):
    """Renew the lease; write the key anew only while it is the one that this member was seen to hold."""
    retry, held = self._retry.copy(), self._lease

    def bounded(*args, **kwargs):
        return retry(*args, retry=retry, **kwargs)

    self._run_and_handle_exceptions(self._do_refresh_lease, True, retry=bounded)
    leader = self.cluster and self.cluster.leader
    is_own = bool(leader) and leader.name == self._name
    if not self._lease or (leader.session if is_own else held) == self._lease:
        return bool(self._lease)
    retry.deadline = max(1.0, retry.stoptime - time.time())  # both together within retry_timeout
    condition = {"mod_revision": leader.index} if is_own else {"create_revision": 0}
    return bool(self._run_and_handle_exceptions(self._client.put, self.leader_path, self._name, self._lease, retry=bounded, **condition))


def mend(etcd3):
    """Put it in the place of the one that does not ask, which later versions have not."""
    if list(inspect.signature(etcd3.Etcd3._update_leader).parameters) == ["self"]:
        etcd3.Etcd3._update_leader = etcd3.catch_return_false_exception(update_leader)


if __name__ == "__main__":
    sys.modules["urllib3.contrib.pyopenssl"] = None  # importing it now raises ImportError
    from patroni.__main__ import main
    from patroni.dcs import etcd3

    mend(etcd3)
    main()
