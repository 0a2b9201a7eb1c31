"""Recipes: training runs as files, and the shipped ones."""

from strsbp_rs.recipes._recipe import Recipe, RecipeError, load_recipe, recipe_names

__all__ = ["Recipe", "RecipeError", "load_recipe", "recipe_names"]
