"""Made recordings whose classes only some modules can tell apart."""
