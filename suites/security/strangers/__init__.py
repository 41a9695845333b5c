"""What strangers try: one module for each kind of door."""
