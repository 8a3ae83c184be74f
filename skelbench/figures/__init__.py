"""Pictures of runs: accuracy against cost (`curve`), what an adaptive network chose (`frames`)."""
