"""How the weights were made: loaders, splits, recipes, training, evaluation, publishing. Serving imports nothing of this."""
