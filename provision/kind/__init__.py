"""The platform as pods in a Kubernetes whose nodes are containers on this machine."""
