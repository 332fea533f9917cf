"""The machine: memory allocation, signals, files and folders, hardware."""
