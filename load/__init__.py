"""Load: Locust, only ever as a child process, and what may be said of its measurements."""
