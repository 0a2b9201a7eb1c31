"""Trainers, what they call and what they leave behind."""
