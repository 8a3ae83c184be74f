"""The host of plugins: hooks, discovery, the registry, and what keeps their faults their own."""
