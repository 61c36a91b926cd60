"""Figures and pages drawn from tables."""
