"""What the container runtime says of a pod's processes is read exactly."""

from __future__ import annotations

from provision.kind.runtime import Task, parsed

LISTING = """TASK    PID     STATUS
aaa     101     RUNNING
bbb     102     PAUSED
ccc     0       STOPPED
ddd     104     RUNNING
"""


def test_only_the_tasks_of_the_pod_are_its() -> None:
    """Another pod's processes on the same machine are not counted, whatever they do."""
    assert parsed(f"aaa\nbbb\nccc\n--\n{LISTING}", "worker") == (
        Task("worker", "aaa", "RUNNING"),
        Task("worker", "bbb", "PAUSED"),
        Task("worker", "ccc", "STOPPED"),
    )


def test_a_pod_without_containers_has_no_task() -> None:
    """Whatever else runs there; and the heading is not a task."""
    assert parsed(f"--\n{LISTING}", "worker") == ()
    assert parsed("TASK\n--\nTASK    PID     STATUS\n", "worker") == ()
