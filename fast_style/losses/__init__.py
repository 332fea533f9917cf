"""Compute the losses: perceptual distances, regularizers against artifacts, temporal consistency."""
