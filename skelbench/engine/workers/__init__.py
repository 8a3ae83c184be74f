"""Workers: processes on this machine or a cluster that evaluate what a search asks for."""
