"""How a network is fitted: recipes, batches, the loop, runs."""
