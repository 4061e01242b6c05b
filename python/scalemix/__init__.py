"""Multiplicative noise in neural networks.

    scalemix.torch    ops and modules for PyTorch
"""
