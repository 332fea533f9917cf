"""Adapt to the machine: memory allocation, signals, files and folders, hardware."""
