"""Run Patroni with Python's own TLS.

python3-etcd prefers pyOpenSSL where that is installed, which then needs python3-idna:
Debian brings the one without the other, and Patroni would never reach its coordinator.
"""

import sys

if __name__ == "__main__":
    sys.modules["urllib3.contrib.pyopenssl"] = None  # importing it now raises ImportError
    from patroni.__main__ import main

    main()
