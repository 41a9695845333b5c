"""Whose problem it is: the user's, the target's or ours.

ConstatError
├── UserError        bad input; one message with the remedy, exit 4, no traceback
├── TargetError      the platform misbehaves; exit 6 when it stops a run
│   ├── Unobservable     could not look; a control that meets it ends in ERROR
│   └── NotReady         has not (yet) reached the state that was waited for
└── HarnessError     our own fault; shown with its traceback
"""

from __future__ import annotations


class ConstatError(Exception):
    """Root of everything that this project raises on purpose."""


class UserError(ConstatError):
    """Bad input: the message names the value, what was expected and the remedy."""


class TargetError(ConstatError):
    """The platform under test misbehaves."""


class Unobservable(TargetError):
    """The harness could not look, so nothing is known."""


class NotReady(TargetError):
    """A state that was waited for has not been reached."""


class HarnessError(ConstatError):
    """The harness itself is wrong."""
