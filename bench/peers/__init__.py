"""What other tools for row level security notice of the same planted defects, beside Constat's own suite."""
