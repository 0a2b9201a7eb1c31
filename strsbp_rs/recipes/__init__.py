"""Recipes: training runs as files, and the shipped ones."""
