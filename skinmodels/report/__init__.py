"""What is said of the models: words, numbers, tables and plots, for page, cards and README alike."""
