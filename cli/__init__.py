"""The `constat` command: one sub-command, one file."""
