"""The machine: memory, signals, files, hardware."""
