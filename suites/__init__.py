"""Claims about a platform: a file is a subject, a test is a claim."""
