"""Every problem of a spec against the registry, before anything is built or read."""
