"""Losses: perceptual distances, regularizers against artifacts, temporal consistency."""
