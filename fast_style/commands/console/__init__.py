"""Parse flags, print results and plan outputs: what the commands share."""
