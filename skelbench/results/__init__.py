"""What a run leaves behind: its record (`record`) and its folder (`store`)."""
